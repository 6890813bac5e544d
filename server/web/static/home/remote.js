// @ts-check
/**
 * What the server has, as this page shows it: not there yet, there, or why not.
 *
 * @typedef {import("../shared/rest.js").Rest} Rest
 * @typedef {import("../shared/rest.js").Problem} Problem
 */

/**
 * @template T
 * @typedef {{value: T|null, trouble: string, load: () => Promise<void>}} Remote
 */

import { html, useEffect, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { signOut } from "./account.js";

const PAGE = 200;
const MOST = 2000;

/** The words for what went wrong; whoever is no longer signed in is shown the door. @param {unknown} problem */
export function told(problem) {
  const { status, message } = /** @type {Problem} */ (problem);
  if (status === 401) signOut(t("door.expired"));
  return message;
}

/** All pages of a list. @param {Rest} api @param {string} path @returns {Promise<any[]>} */
export async function all(api, path) {
  /** @type {any[]} */
  const items = [];
  let after = "";
  do {
    const page = await api.get(`${path}${path.includes("?") ? "&" : "?"}limit=${PAGE}${after}`);
    items.push(...page.items);
    after = page.next === null ? "" : `&after=${page.next}`;
  } while (after !== "" && items.length < MOST);
  return items;
}

/**
 * Load something when a component is first shown, and again whenever one of `of` changes.
 * @template T
 * @param {() => Promise<T>} read
 * @param {unknown[]} of
 * @returns {Remote<T>}
 */
export function useRemote(read, of) {
  const [value, setValue] = useState(/** @type {T|null} */ (null));
  const [trouble, setTrouble] = useState("");
  const load = async () => {
    try {
      setValue(await read());
      setTrouble("");
    } catch (problem) {
      setTrouble(told(problem));
    }
  };
  useEffect(() => {
    setValue(null);
    void load();
  }, of);
  return { value, trouble, load };
}

/**
 * One's own act: whether it is under way, and why it was refused.
 * @returns {{isBusy: boolean, refusal: string, field: string, run: (act: () => Promise<unknown>) => Promise<boolean>, clear: () => void}}
 *   `field`: what of the request was at fault, if something was
 */
export function useAct() {
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const [field, setField] = useState("");
  const clear = () => (setRefusal(""), setField(""));
  /** @param {() => Promise<unknown>} act */
  const run = async (act) => {
    setBusy(true);
    clear();
    try {
      await act();
      return true;
    } catch (problem) {
      setRefusal(told(problem));
      setField(/** @type {Problem} */ (problem).field ?? "");
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, refusal, field, run, clear };
}

/**
 * What is loaded, or that it is loading, or why it is not there.
 * @param {{of: Remote<any>, children: (value: any) => any}} props
 */
export function Loaded({ of: { value, trouble, load }, children }) {
  return html`
    ${trouble && html`<${Trouble} text=${trouble} onRetry=${load} />`}
    ${value === null && !trouble && html`<p class="loading muted" role="status" data-testid="loading">${t("home.loading")}</p>`}
    ${value !== null && children(value)}
  `;
}

/** What went wrong, and a way to try again. @param {{text: string, onRetry?: () => void}} props */
export function Trouble({ text, onRetry }) {
  return html`<p class="banner bad" role="alert" data-testid="trouble">
    <span class="grow">${text}</span>
    ${onRetry && html`<button type="button" class="small" onClick=${onRetry}>${t("retry")}</button>`}
  </p>`;
}

/** Why one's own act was refused, beside it. @param {{text: string}} props */
export function Refusal({ text }) {
  return html`<p role="alert" class="refusal small" data-testid="refused">${text}</p>`;
}
