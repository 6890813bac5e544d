// @ts-check
/** A few actions behind one small button. */

import { html, useLayoutEffect, useRef } from "../html.js";
import { Icon } from "./icon.js";

const GAP_PX = 4;

/**
 * A few actions behind one small button; one such menu is open at a time, Escape and a click
 * elsewhere close it. It lies above whatever scrolls.
 * @param {{label: string, testid: string,
 *   actions: {testid: string, label: string, onChoose: () => void}[]}} props
 */
export function Menu({ label, testid, actions }) {
  const button = useRef(/** @type {HTMLButtonElement|null} */ (null));
  const list = useRef(/** @type {HTMLElement|null} */ (null));
  useLayoutEffect(() => {
    if (button.current) button.current.popoverTargetElement = list.current;
  }, []);
  // Below its button, or above it where there is more room; from its right edge to the left, or so.
  const place = () => {
    if (button.current === null || list.current === null) return;
    const { top, bottom, left, right } = button.current.getBoundingClientRect();
    const isLow = bottom > innerHeight / 2;
    const { style } = list.current;
    const isLeft = right < innerWidth / 2;
    style.left = isLeft ? `${left}px` : "auto";
    style.right = isLeft ? "auto" : `${document.documentElement.clientWidth - right}px`;
    style.top = isLow ? "auto" : `${bottom + GAP_PX}px`;
    style.bottom = isLow ? `${innerHeight - top + GAP_PX}px` : "auto";
  };
  return html`<span class="menu">
    <button type="button" class="small quiet" ref=${button} aria-label=${label} title=${label} data-testid=${testid}><${Icon} name="ellipsis" /></button>
    <div popover class="menulist" ref=${list} role="group" aria-label=${label} onBeforeToggle=${place}>
      ${actions.map(
        (action) => html`<button key=${action.testid} type="button" class="quiet" data-testid=${action.testid} onClick=${() => (list.current?.hidePopover(), action.onChoose())}>${action.label}</button>`,
      )}
    </div>
  </span>`;
}
