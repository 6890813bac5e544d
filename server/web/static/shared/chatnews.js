// @ts-check
/** New lines of the chat for who hears them: a few at a time, as fast as one can listen. */

import { html, useLayoutEffect, useState } from "./html.js";
import { remembered } from "./remembered.js";
import { t } from "./strings.js";

/** Whether new lines are read out where there is a screen reader. */
export const areRead = remembered("chat-read", true, [true, false]);
export const APART_MS = 2_000;
/** More at once are counted, and the last of them read. */
const MOST = 3;

/**
 * Tell of the first line at once, and then of those that have come since, together; tell "" when
 * nothing has come: what was said stands nowhere for longer than it takes to hear.
 * @param {(text: string) => void} tell
 */
export function paced(tell) {
  /** @type {string[]} */
  let lines = [];
  let count = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  const flush = () => {
    timer = undefined;
    if (count === 0) return tell("");
    tell(count > MOST ? t("chat.many", { count, last: lines[lines.length - 1] }) : lines.join(" "));
    lines = [];
    count = 0;
    timer = setTimeout(flush, APART_MS);
  };
  return {
    /** @param {string} line */
    add(line) {
      lines = [...lines, line].slice(-MOST);
      count += 1;
      if (timer === undefined) flush();
    },
    /** Forget what was told, and what was to be: perhaps it was taken back. */
    clear() {
      clearTimeout(timer);
      count = 0;
      lines = [];
      flush();
    },
    stop: () => clearTimeout(timer),
  };
}

/** @param {{classroom: import("./classroom.js").Classroom}} props */
export function ChatNews({ classroom }) {
  const [{ number, text }, setNews] = useState({ number: 0, text: "" });
  useLayoutEffect(() => {
    const news = paced((text) => setNews((before) => ({ number: before.number + 1, text })));
    const ignore = classroom.onEvent(({ type, by, data }) => {
      if (type === "chat.removed") news.clear();
      const isNews = type === "chat.posted" && data.text !== "" && by !== classroom.me.peek()?.user;
      if (isNews && areRead.peek()) news.add(t("chat.said", { name: data.name, text: data.text }));
    });
    return () => (ignore(), news.stop());
  }, []);
  // A paragraph each: the same words twice are news twice.
  return html`<div class="visually-hidden" aria-live=${areRead.value ? "polite" : "off"} data-testid="chat-news">
    <p key=${number}>${areRead.value ? text : ""}</p>
  </div>`;
}

/** The switch that silences them. */
export function ReadChat() {
  return html`<label class="choice">
    <input type="checkbox" role="switch" data-testid="chat-read" checked=${areRead.value} onChange=${() => (areRead.value = !areRead.value)} />
    ${t("chat.read")}
  </label>`;
}
