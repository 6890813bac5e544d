// @ts-check
/** Parts of a page that its first sight does not need: fetched once the page stands. */

import { html, useEffect } from "../html.js";
import { signal } from "../signals.js";

const AGAIN_MS = 2_000;

/**
 * A component that is fetched when it is first drawn, or `soon()`.
 * @param {() => Promise<any>} load its module
 * @param {string} name
 * @returns {((props: any) => any) & {soon: () => Promise<void>}} `soon()` resolves when it is there
 */
export function later(load, name) {
  const loaded = signal(/** @type {any} */ (null));
  /** @type {Promise<void>|null} */
  let asked = null;
  const ask = () => (asked ??= fetched());
  const fetched = async () => {
    for (;;) {
      try {
        loaded.value = (await load())[name];
        return;
      } catch {
        await new Promise((done) => setTimeout(done, AGAIN_MS));
      }
    }
  };
  /** @param {any} props */
  const Later = (props) => {
    useEffect(() => void ask(), []);
    return loaded.value === null ? null : html`<${loaded.value} ...${props} />`;
  };
  return Object.assign(Later, { soon: ask });
}
