// @ts-check
/** How long a text may be: the numbers of protocol/limits.py, which a test compares with these. */

export const SHORT_TEXT_LENGTH = 200;
export const TEXT_LENGTH = 2_000;
export const PROMPT_LENGTH = 1_000;
export const EMAIL_LENGTH = 254;
export const URL_LENGTH = 2_000;
export const STREAM_KEY_LENGTH = 1_000;
