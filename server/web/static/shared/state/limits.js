// @ts-check
/** What a snapshot keeps: the numbers of protocol/limits.py, which a test compares with these. */

// First by number, …
export const SNAPSHOT_MESSAGES = 200;
export const SNAPSHOT_QUESTIONS = 500;
export const SNAPSHOT_FINISHED_POLLS = 20;
export const SNAPSHOT_STROKES = 2_000;
export const SNAPSHOT_CAPTIONS = 5;

// … then by weight, in bytes.
export const MESSAGES_BYTES = 40 * 1024;
export const PINNED_BYTES = 14 * 1024;
export const QUESTIONS_BYTES = 48 * 1024;
export const POLLS_BYTES = 20 * 1024;
export const SCENES_BYTES = 12 * 1024;
export const HANDS_BYTES = 11 * 1024;
export const PEOPLE_BYTES = 22 * 1024;
export const DESTINATIONS_BYTES = 3 * 1024;
export const ASSETS_BYTES = 8 * 1024;
export const STROKES_BYTES = 64 * 1024;
export const ARTIFACTS_BYTES = 8 * 1024;
export const CAPTIONS_BYTES = 4 * 1024;

// What an item weighs before its free texts.
export const MESSAGE_WEIGHT = 226;
export const PINNED_WEIGHT = 160;
export const QUESTION_WEIGHT = 184;
export const POLL_WEIGHT = 320;
export const SCENE_WEIGHT = 110;
export const SCENE_ITEM_WEIGHT = 80;
export const HAND_WEIGHT = 90;
export const PERSON_WEIGHT = 160;
export const GRANT_WEIGHT = 10;
export const DESTINATION_WEIGHT = 130;
export const ASSET_WEIGHT = 140;
export const STROKE_WEIGHT = 230;
export const ARTIFACT_WEIGHT = 150;
export const CAPTION_WEIGHT = 116;
