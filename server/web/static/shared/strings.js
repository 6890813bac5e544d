// @ts-check
/** Every word that people read, from i18n/*.json. */

import en from "../i18n/en.class.json" with { type: "json" };

/** @type {Record<string, string>} */
const strings = { ...en };
const locale = "en";
const plurals = new Intl.PluralRules(locale);
const ordinals = new Intl.PluralRules(locale, { type: "ordinal" });

/** Add the words of one page. @param {Record<string, string>} words */
export function learn(words) {
  Object.assign(strings, words);
}

/**
 * Return the text of `key`, with `{name}` filled in. With `count`, the plural form `key.one` or
 * `key.other` is taken; a key that is missing shows itself.
 * @param {string} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  const exact = "count" in values ? `${key}.${plurals.select(Number(values.count))}` : key;
  const text = strings[exact] ?? strings[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/** Whether there is a text for `key`. @param {string} key */
export function known(key) {
  return key in strings;
}

/** "1st", "2nd", … @param {number} number */
export function ordinal(number) {
  return t(`ordinal.${ordinals.select(number)}`, { number });
}

const hours = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

/** The time of day. @param {string} at RFC 3339 */
export function clock(at) {
  return hours.format(new Date(at));
}

/** The day and the time. @param {string} at RFC 3339 */
export function when(at) {
  return days.format(new Date(at));
}

/** 1:02:03 or 2:03. @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] > 0 ? parts : parts.slice(1);
  return shown.map((part, index) => (index === 0 ? part : String(part).padStart(2, "0"))).join(":");
}
