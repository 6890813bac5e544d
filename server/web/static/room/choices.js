// @ts-check
/** How somebody likes to watch on this device, remembered from class to class. */

import { remembered } from "../shared/remembered.js";
import { computed, signal } from "../shared/signals.js";

const ON_OFF = /** @type {const} */ ([true, false]);
const SIZES = /** @type {const} */ (["small", "medium", "large"]);
const PLACES = /** @type {const} */ (["bottom", "top"]);

/** @typedef {ReturnType<typeof choices>} Choices */

export function choices() {
  const savesData = Boolean(/** @type {any} */ (navigator).connection?.saveData);
  return {
    /** Sound without the teacher's picture. */
    soundOnly: remembered("sound-only", false, ON_OFF),
    /** Fetch no more than is looked at. */
    saveData: remembered("save-data", savesData, ON_OFF),
    captions: remembered("captions", false, ON_OFF),
    captionSize: remembered("caption-size", /** @type {"small"|"medium"|"large"} */ ("medium"), SIZES),
    captionPlace: remembered("caption-place", /** @type {"bottom"|"top"} */ ("bottom"), PLACES),
    /** The other one large: the teacher for the page, or the page for what the teacher's screen shows. */
    isSwapped: signal(false),
  };
}

/**
 * Whether the teacher's picture is fetched: not by who wants sound alone, and of who saves data
 * only while it is looked at.
 * @param {Choices} chosen @param {() => boolean} isPageLarge
 */
export function pictureWanted({ soundOnly, saveData }, isPageLarge) {
  const isHidden = signal(document.hidden);
  const look = () => (isHidden.value = document.hidden);
  document.addEventListener("visibilitychange", look);
  const isWanted = computed(() => !soundOnly.value && !(saveData.value && (isHidden.value || isPageLarge())));
  return { isWanted, stop: () => document.removeEventListener("visibilitychange", look) };
}
