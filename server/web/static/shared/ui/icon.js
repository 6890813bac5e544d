// @ts-check
/** Pictures for actions: always beside words, or a label, that say the same. */

import { html } from "../html.js";

const SPRITE = new URL("../../vendor/icons.svg", import.meta.url).pathname;

/** @param {{name: string}} props One of the sprite's symbols. */
export function Icon({ name }) {
  return html`<svg class="icon" aria-hidden="true" focusable="false"><use href=${`${SPRITE}#${name}`} /></svg>`;
}
