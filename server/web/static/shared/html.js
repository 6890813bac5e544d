// @ts-check
/** What every view is written with: markup as tagged templates, without a compiler. */

import htm from "../vendor/htm.js";
import * as hooks from "../vendor/hooks.js";
import * as preact from "../vendor/preact.js";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(/** @type {any} */ (preact.h));

/** @type {(view: any, root: Element) => void} */
export const render = /** @type {any} */ (preact.render);

/** @type {<T>(initial: T) => [T, (next: T) => void]} */
export const useState = /** @type {any} */ (hooks.useState);

/** @type {<T>(initial: T) => {current: T}} */
export const useRef = /** @type {any} */ (hooks.useRef);

/** @type {(run: () => void | (() => void), follows?: any[]) => void} */
export const useEffect = /** @type {any} */ (hooks.useEffect);
