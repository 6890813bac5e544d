// @ts-check
/** Parts of a page that its first sight does not need: fetched once the page stands. */

import { html, useEffect } from "../html.js";
import { signal } from "../signals.js";

const AGAIN_MS = 2_000;

/**
 * A component that is fetched when it is first drawn, or `soon()`.
 * @param {() => Promise<any>} load its module
 * @param {string} name
 * @returns {((props: any) => any) & {soon: () => void}}
 */
export function later(load, name) {
  const loaded = signal(/** @type {any} */ (null));
  let isAsked = false;
  const ask = () => {
    if (isAsked) return;
    isAsked = true;
    load().then(
      (module) => (loaded.value = module[name]),
      () => setTimeout(() => ((isAsked = false), ask()), AGAIN_MS),
    );
  };
  /** @param {any} props */
  const Later = (props) => {
    useEffect(ask, []);
    return loaded.value === null ? null : html`<${loaded.value} ...${props} />`;
  };
  return Object.assign(Later, { soon: ask });
}
