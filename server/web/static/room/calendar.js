// @ts-check
/** A class as a calendar takes it (RFC 5545). */

const LINE_BYTES = 75;

/**
 * Return the text of a calendar file with one class. Its end is not known before it is over: an
 * hour is what calendars assume.
 * @param {{id: string, title: string, at: string, url: string, now: number}} lesson
 */
export function calendar({ id, title, at, url, now }) {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//liveclass//room//EN",
    "BEGIN:VEVENT",
    `UID:${id}@liveclass`,
    `DTSTAMP:${stamp(now)}`,
    `DTSTART:${stamp(Date.parse(at))}`,
    "DURATION:PT1H",
    `SUMMARY:${escaped(title)}`,
    `URL:${url}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.flatMap(folded).map((line) => `${line}\r\n`).join("");
}

/** @param {number} ms */
function stamp(ms) {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/[\\;,]/g, "\\$&").replace(/\r?\n/g, "\\n");
}

/** No line is longer than 75 bytes; what follows a space goes on with the line before. @param {string} line */
function folded(line) {
  const bytes = new TextEncoder();
  const lines = [""];
  for (const character of line) {
    const last = lines[lines.length - 1];
    if (bytes.encode(last + character).length > LINE_BYTES) lines.push(` ${character}`);
    else lines[lines.length - 1] = last + character;
  }
  return lines;
}
