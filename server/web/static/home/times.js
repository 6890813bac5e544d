// @ts-check
/** Days, times and lengths, as people here say them, in their own zone. */

const DAY_MS = 86_400_000;
const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const dated = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const zoneName = new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" });

/** @param {Date} moment */
const midnight = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate()).getTime();

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** Today, tomorrow, or the date. @param {string} at RFC 3339 @param {number} [now] */
export function day(at, now = Date.now()) {
  const moment = new Date(at);
  const days = Math.round((midnight(moment) - midnight(new Date(now))) / DAY_MS);
  if (Math.abs(days) <= 1) return capital(relative.format(days, "day"));
  return moment.getFullYear() === new Date(now).getFullYear() ? date.format(moment) : dated.format(moment);
}

/** @param {string} at RFC 3339 */
export const timeOf = (at) => time.format(new Date(at));

/** The zone that times are in: “Europe/Vienna (GMT+1)”. */
export function zone() {
  const offset = zoneName.formatToParts(new Date()).find(({ type }) => type === "timeZoneName")?.value ?? "";
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone} (${offset})`;
}

/** What a field for a local date and time holds. @param {Date} moment */
export function toField(moment) {
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The moment in such a field, for the server; null if it is empty. @param {string} field */
export const fromField = (field) => (field === "" ? null : new Date(field).toISOString());

/** The next full hour that is at least half an hour away. */
export function soon() {
  const moment = new Date(Date.now() + 30 * 60_000);
  moment.setHours(moment.getHours() + 1, 0, 0, 0);
  return moment;
}
