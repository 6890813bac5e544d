// @ts-check
/** Links into a class: one for all, or one for each person, to be copied one by one or all at once. */

import { ClassLink } from "../shared/classlink.js";
import { copied } from "../shared/clipboard.js";
import { html, useRef, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t, when } from "../shared/strings.js";
import { Refusal, useAct } from "./remote.js";

const DAY_S = 86_400;
const AFTER_S = DAY_S / 2;
const LONGEST_S = 30 * DAY_S;
/** So many at one press; the rest stay in the field. */
const MOST = 200;
const AT_ONCE = 4;
/** Of a name that is too long, so many letters are shown to tell which. */
const SHOWN = 30;

/** How long a link must last to be of use: until half a day after the class. @param {string|null} at */
export function lasting(at, now = Date.now()) {
  const until = at === null ? 0 : (Date.parse(at) - now) / 1000 + AFTER_S;
  return Math.round(Math.min(LONGEST_S, Math.max(DAY_S, until)));
}

/**
 * @param {{api: import("../shared/rest.js").Rest, session: any, mayRun: boolean,
 *   onClose: () => void}} props
 */
export function Invite({ api, session, mayRun, onClose }) {
  const [role, setRole] = useState("student");
  const [names, setNames] = useState("");
  const [made, setMade] = useState(/** @type {{name: string, url: string, expires_at: string}[]} */ ([]));
  const [said, setSaid] = useState("");
  const { isBusy, refusal, run } = useAct();
  /** @param {SubmitEvent} event */
  const make = async (event) => {
    event.preventDefault();
    setSaid("");
    let left = names.split("\n").map((name) => name.trim()).filter(Boolean);
    const isDone = await run(async () => {
      const long = left.find((name) => [...name].length > SHORT_TEXT_LENGTH);
      if (long) throw new Error(t("invite.too_long", { name: `${[...long].slice(0, SHOWN).join("")}…`, count: SHORT_TEXT_LENGTH }));
      for (let count = 0; count < MOST && left.length > 0; count += AT_ONCE) {
        const some = left.slice(0, AT_ONCE);
        const answers = await Promise.allSettled(
          some.map((name) => api.post(`/v1/sessions/${session.id}/join-tokens`, { role, name, ttl_seconds: lasting(session.scheduled_at) })),
        );
        const links = answers.flatMap((answer, at) => (answer.status === "fulfilled" ? [{ name: some[at], ...answer.value }] : []));
        const refused = answers.find(({ status }) => status === "rejected");
        // Whose link was not made stays in the field: nobody is forgotten, and nobody gets two.
        left = [...some.filter((_, at) => answers[at].status === "rejected"), ...left.slice(AT_ONCE)];
        setMade((before) => [...before, ...links]);
        setNames(left.join("\n"));
        if (refused) throw /** @type {PromiseRejectedResult} */ (refused).reason;
      }
    });
    if (isDone && left.length > 0) setSaid(t("invite.left", { count: left.length }));
  };
  /** @param {string} text @param {HTMLInputElement|null} field */
  const copy = async (text, field) => setSaid(t((await copied(text, field)) ? "invite.copied" : "invite.copy_yourself"));
  const everything = () => made.map(({ name, url }) => `${name}\t${url}`).join("\n");
  return html`<${ClassLink} api=${api} id=${session.id} />
  <form class="stack single" onSubmit=${make}>
    <h3>${t("invite.singles")}</h3>
    <p class="small muted">${t("invite.text")}</p>
    <label class="field">${t("invite.names")}
      <textarea rows="3" dir="auto" data-testid="invite-names" readonly=${isBusy} placeholder=${t("invite.names_example")} value=${names} onInput=${(/** @type {any} */ { target }) => setNames(target.value)}></textarea>
    </label>
    <div class="row">
      <label class="small muted" for="invite-role">${t("invite.as")}</label>
      <select id="invite-role" class="narrow" data-testid="invite-role" value=${role} onChange=${(/** @type {any} */ { target }) => setRole(target.value)}>
        <option value="student">${t("role.student")}</option>
        <option value="assistant">${t("role.assistant")}</option>
        ${mayRun && html`<option value="teacher">${t("role.teacher")}</option>`}
      </select>
      <span class="grow"></span>
      <button data-testid="invite-make" disabled=${isBusy || names.trim() === ""}>${t(isBusy ? "invite.making" : "invite.make")}</button>
    </div>
    <${Refusal} text=${refusal} />
    ${made.length > 0 &&
    html`<ul class="list links" data-testid="invite-links">${made.map(({ name, url }) => html`<${Made} key=${url} ...${{ name, url, copy }} />`)}</ul>
      <div class="row">
        <p class="small muted grow">${t("invite.until", { when: when(made[0].expires_at) })}</p>
        ${made.length > 1 && html`<button type="button" data-testid="invite-copy-all" onClick=${() => copy(everything(), null)}>${t("invite.copy_all")}</button>`}
      </div>`}
    <p role="status" class="small" data-testid="invite-said">${said}</p>
    <div class="row end"><button type="button" onClick=${onClose}>${t("close")}</button></div>
  </form>`;
}

/** @param {{name: string, url: string, copy: (text: string, field: HTMLInputElement|null) => void}} props */
function Made({ name, url, copy }) {
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  return html`<li class="row">
    <span class="name" dir="auto">${name}</span>
    <input class="grow" ref=${field} readonly data-testid="invite-url" aria-label=${t("invite.link_of", { name })} value=${url} />
    <button type="button" data-testid="invite-copy" aria-label=${t("invite.copy_of", { name })} onClick=${() => copy(url, field.current)}>${t("invite.copy")}</button>
  </li>`;
}
