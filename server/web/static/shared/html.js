// @ts-check
/** What every view is written with: markup as tagged templates, without a compiler. */

import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export { Fragment, render } from "../vendor/preact.js";
export { useEffect, useRef, useState } from "../vendor/hooks.js";
// Signals make a component that reads them draw itself anew; importing is enough.
export { computed, effect, signal, useComputed, useSignal } from "../vendor/signals.js";

export const html = htm.bind(/** @type {any} */ (h));
