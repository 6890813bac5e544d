// @ts-check
/** The size and the pace of the programme: what every platform takes, and every uplink of a school. */

export const STAGE = { width: 1280, height: 720 };
export const FRAME_RATE = 30;
export const FRAME_MS = 1000 / FRAME_RATE;
