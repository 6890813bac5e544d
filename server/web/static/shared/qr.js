// @ts-check
/** A text as a QR code (ISO/IEC 18004), in black on white whatever the page's colours are. */

import { generate } from "../vendor/lean-qr.js";
import { html } from "./html.js";

/** Modules of white around it, as the standard wants them. */
const QUIET = 4;

/** @param {{text: string, label: string}} props */
export function Qr({ text, label }) {
  const code = generate(text);
  const modules = Array.from({ length: code.size ** 2 }, (_, at) => [at % code.size, Math.floor(at / code.size)]);
  const path = modules.filter(([x, y]) => code.get(x, y)).map(([x, y]) => `M${x} ${y}h1v1h-1z`).join("");
  const side = code.size + 2 * QUIET;
  return html`<svg class="qr" role="img" aria-label=${label} data-testid="qr" viewBox=${`${-QUIET} ${-QUIET} ${side} ${side}`}><path d=${path} /></svg>`;
}
