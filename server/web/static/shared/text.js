// @ts-check
/** What people write, as it is read: addresses lead somewhere, `code` looks like code, nothing else means anything. */

import { html } from "./html.js";

const PARTS = /(`[^`\n]+`|https?:\/\/[^\s<>"'`]*[^\s<>"'`.,;:!?)\]}])/;

/** @param {{text: string}} props */
export function Text({ text }) {
  // Every other part is what the expression found.
  return text.split(PARTS).map((part, index) =>
    index % 2 === 0 ? part : part.startsWith("`") ? html`<code>${part.slice(1, -1)}</code>` : html`<a href=${part} target="_blank" rel="noopener noreferrer nofollow">${part}</a>`,
  );
}
