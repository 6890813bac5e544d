// @ts-check
/** Classes: those on air, those to come, those that are over. */

import { html, useEffect, useState } from "../shared/html.js";
import { t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { enter } from "./account.js";
import { Past } from "./past.js";
import { all, Loaded, Refusal, useAct, useRemote } from "./remote.js";
import { isStaff, managesAll } from "./rights.js";
import { Link, route } from "./router.js";
import { Schedule } from "./schedule.js";
import { Session } from "./session.js";
import { day, timeOf } from "./times.js";

/** @typedef {import("../shared/rest.js").Rest} Rest @typedef {import("./rights.js").Me} Me */

const LOOK_AGAIN_MS = 20_000;

/** Those with a time first, the soonest of all; then the newest of those without. @param {any} a @param {any} b */
const sooner = (a, b) =>
  a.scheduled_at === null || b.scheduled_at === null
    ? Number(a.scheduled_at === null) - Number(b.scheduled_at === null) || b.created_at.localeCompare(a.created_at)
    : a.scheduled_at.localeCompare(b.scheduled_at);

/** @param {{api: Rest, me: Me}} props */
export function Classes({ api, me }) {
  return isStaff(me) ? html`<${Staffed} ...${{ api, me }} />` : html`<h1>${t("home.classes")}</h1><${Past} ...${{ api, me }} />`;
}

/** @param {{api: Rest, me: Me}} props */
function Staffed({ api, me }) {
  const [isScheduling, setScheduling] = useState(route.value.query.get("new") === "class");
  const coming = useRemote(async () => {
    const [live, planned] = await Promise.all([all(api, "/v1/sessions?status=live"), all(api, "/v1/sessions?status=scheduled")]);
    return { live, planned: planned.sort(sooner) };
  }, []);
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && void coming.load(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const scheduled = () => (setScheduling(false), coming.load());
  const mayPlan = managesAll(me) || me.roles.some(({ role, scope }) => scope === "course" && role === "teacher");
  return html`<div class="row head">
      <h1 class="grow">${t("home.classes")}</h1>
      ${managesAll(me) && html`<${StartNow} api=${api} />`}
      ${mayPlan && html`<button type="button" class="primary" data-testid="schedule" onClick=${() => setScheduling(true)}>${t("classes.schedule")}</button>`}
    </div>
    ${mayPlan && html`<${Schedule} isOpen=${isScheduling} onClose=${() => setScheduling(false)} onDone=${scheduled} ...${{ api, me }} />`}
    <${Loaded} of=${coming}>
      ${(/** @type {{live: any[], planned: any[]}} */ { live, planned }) => html`
        ${live.length > 0 &&
        html`<section class="stack" aria-labelledby="now"><h2 id="now">${t("classes.now")}</h2>
          <ul class="cards" data-testid="live-classes">${live.map((session) => html`<${Session} key=${session.id} onChange=${coming.load} ...${{ api, me, session }} />`)}</ul>
        </section>`}
        <section class="stack" aria-labelledby="upcoming"><h2 id="upcoming">${t("classes.upcoming")}</h2>
          ${planned.length === 0 && html`<${Nothing} ...${{ mayPlan, me }} onSchedule=${() => setScheduling(true)} />`}
          <${Days} sessions=${planned} each=${(/** @type {any} */ session) => html`<${Session} key=${session.id} isNext=${session === planned[0]} onChange=${coming.load} ...${{ api, me, session }} />`} />
        </section>`}
    <//>
    <${Past} ...${{ api, me }} />`;
}

/** Classes by the day they are on. @param {{sessions: any[], each: (session: any) => any}} props */
function Days({ sessions, each }) {
  const days = Map.groupBy(sessions, ({ scheduled_at: at }) => (at === null ? t("classes.no_time") : day(at)));
  return html`${[...days].map(
    ([name, those]) => html`<div key=${name} class="stack">
      <h3>${name}</h3>
      <ul class="cards" data-testid="planned-classes">${those.map(each)}</ul>
    </div>`,
  )}`;
}

/** @param {{mayPlan: boolean, me: Me, onSchedule: () => void}} props */
function Nothing({ mayPlan, me, onSchedule }) {
  return html`<div class="empty" data-testid="nothing-planned">
    <p>${t("classes.nothing")}</p>
    ${mayPlan &&
    html`<ol class="steps small muted">
        <li><button type="button" class="link" onClick=${onSchedule}>${t("classes.step_schedule")}</button></li>
        <li>${t("classes.step_invite")}</li>
        <li>${t("classes.step_studio")}</li>
        ${managesAll(me) && html`<li><${Link} href="/destinations">${t("classes.step_destinations")}<//></li>`}
      </ol>`}
  </div>`;
}

/** A class that begins at once, in a click. @param {{api: Rest}} props */
function StartNow({ api }) {
  const { isBusy, refusal, run } = useAct();
  const start = () =>
    run(async () => {
      const now = new Date().toISOString();
      const { id } = await api.post("/v1/sessions", { title: t("classes.now_title", { day: day(now), time: timeOf(now) }), language: navigator.language.slice(0, 2).toLowerCase() });
      enter(id);
      location.assign(`/sessions/${id}/studio`);
    });
  return html`<${Refusal} text=${refusal} />
    <button type="button" data-testid="start-now" disabled=${isBusy} onClick=${start}><${Icon} name="radio" />${t("classes.start_now")}</button>`;
}
