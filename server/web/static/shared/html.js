// @ts-check
/** What every view is written with: markup as tagged templates, without a compiler. */

import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export { useEffect, useLayoutEffect, useRef, useState } from "../vendor/hooks.js";
export { render } from "../vendor/preact.js";

export const html = htm.bind(h);
