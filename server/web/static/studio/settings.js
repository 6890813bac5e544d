// @ts-check
/** What this teacher has set in the studio; the browser keeps it from one class to the next. */

import { remembered } from "../shared/remembered.js";

/** A soft tone for a raised hand. */
export const hasTone = remembered("studio.tone", true, [true, false]);
/** The order of open questions. */
export const order = remembered("studio.questions", "votes", /** @type {const} */ (["votes", "time"]));
/** Which panel is in front. */
export const panel = remembered("studio.panel", "questions", /** @type {const} */ (["questions", "chat", "polls", "people"]));
/** Whether going live begins a recording. */
export const records = remembered("studio.records", false, [true, false]);
