// @ts-check
/** What is asked again until there is an answer: whoever waits for a class shall not have to. */

import { backoff, spread } from "../shared/backoff.js";
import { html, useEffect, useState } from "../shared/html.js";
import { signal } from "../shared/signals.js";
import { t } from "../shared/strings.js";

const TOO_MANY = 429;
const BAD_GATEWAY = 502;
/** Longer than the server asks for, and less is not worth telling anybody. */
const LEAST_MS = 4_000;

/** Why there is no answer yet, and when it is asked again. */
const trouble = signal(/** @type {{why: "busy"|"offline", at: number}|null} */ (null));
let now = () => {};
addEventListener("online", () => now());

/**
 * Ask until the server answers; only its "no" is thrown.
 * @template T
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function persistently(ask) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await ask();
      trouble.value = null;
      return answer;
    } catch (problem) {
      const { status } = /** @type {import("../shared/rest.js").Problem} */ (problem);
      const isBusy = status === TOO_MANY;
      if (!isBusy && status !== 0 && !(status >= BAD_GATEWAY)) {
        trouble.value = null;
        throw problem;
      }
      const wait = isBusy ? spread(LEAST_MS) : LEAST_MS + backoff(attempt);
      trouble.value = { why: isBusy ? "busy" : "offline", at: Date.now() + wait };
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        now = () => (clearTimeout(timer), resolve(undefined));
      });
    }
  }
}

export function Trouble() {
  const [, tick] = useState(0);
  const known = trouble.value;
  useEffect(() => {
    if (known === null) return undefined;
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [known]);
  const left = known === null ? 0 : Math.max(0, Math.ceil((known.at - Date.now()) / 1000));
  return html`<div role="status">
    ${known !== null &&
    html`<p class="banner" data-testid=${`join-${known.why}`}>
      <span class="grow">${t(`join.${known.why}`)} <span class="num" role="timer">${t("join.in", { count: left })}</span></span>
      <button type="button" class="small" onClick=${() => now()}>${t("join.now")}</button>
    </p>`}
  </div>`;
}
