// @ts-check
/** Classes that are over: their replays, who sees them, and what can be taken away. */

import { html, useEffect, useState } from "../shared/html.js";
import { duration, t } from "../shared/strings.js";
import { Icon } from "../shared/ui/icon.js";
import { Menu } from "../shared/ui/menu.js";
import { Dialog } from "../shared/ui/dialog.js";
import { Opener } from "./opener.js";
import { Plan } from "./plan.js";
import { Loaded, Refusal, useAct, useRemote } from "./remote.js";
import { isStaff, teaches } from "./rights.js";
import { save, takeFilm } from "./takeaway.js";
import { day, timeOf } from "./times.js";

/** @typedef {import("../shared/rest.js").Rest} Rest @typedef {import("./rights.js").Me} Me */

const PAGE = 20;
const LOOK_AGAIN_MS = 5_000;

/** @param {{api: Rest, me: Me, course?: string}} props */
export function Past({ api, me, course }) {
  const [count, setCount] = useState(PAGE);
  const found = useRemote(async () => {
    const items = [];
    let next = "";
    while (items.length < count) {
      const page = await api.get(`/v1/replays?order=newest&limit=${PAGE}${course ? `&course=${course}` : ""}${next}`);
      items.push(...page.items);
      if (page.next === null) return { items, isAll: true };
      next = `&after=${page.next}`;
    }
    return { items, isAll: false };
  }, [course]);
  useEffect(() => void (count > PAGE && found.load()), [count]);
  const isWaiting = found.value?.items.some((/** @type {any} */ { processing }) => processing) ?? false;
  useEffect(() => {
    if (!isWaiting) return undefined;
    const timer = setInterval(() => void found.load(), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [isWaiting, count]);
  return html`<section class="stack" aria-labelledby="past"><h2 id="past">${t("past.title")}</h2>
    <${Loaded} of=${found}>
      ${(/** @type {{items: any[], isAll: boolean}} */ { items, isAll }) => html`
        ${items.length === 0 && html`<p class="empty" data-testid="nothing-past">${t(isStaff(me) ? "past.nothing" : "past.nothing_published")}</p>`}
        <ul class="cards" data-testid="past-classes">${items.map((replay) => html`<${PastClass} key=${replay.id} onChange=${found.load} ...${{ api, me, replay }} />`)}</ul>
        ${!isAll && html`<button type="button" class="more" data-testid="more" onClick=${() => setCount(count + PAGE)}>${t("home.more")}</button>`}`}
    <//>
  </section>`;
}

/** @param {{api: Rest, me: Me, replay: any, onChange: () => void}} props */
function PastClass({ api, me, replay, onChange }) {
  const [asking, ask] = useState("");
  const { isBusy, refusal, run } = useAct();
  const { id, title, status, course, started_at: from, ended_at: to, publish_at: planned, processing } = replay;
  const mayRun = teaches(me, id, course);
  const isPublished = status === "published";
  const publish = async () => {
    if (await run(() => api.post(`/v1/replays/${id}/${isPublished ? "unpublish" : "publish"}`, {}))) onChange();
  };
  const staffs = [
    { testid: "attendance", label: t("past.attendance"), onChoose: () => run(() => save(api, `/v1/sessions/${id}/attendance.csv`, `${title}.csv`)), isShown: isStaff(me) },
    { testid: "film", label: t("past.film"), onChoose: () => run(() => takeFilm(api, id)), isShown: isStaff(me) && replay.has_media },
    { testid: "plan", label: t("past.plan"), onChoose: () => ask("plan"), isShown: mayRun && !isPublished && replay.has_media },
  ].filter(({ isShown }) => isShown);
  return html`<li class="item" data-testid="past-class" data-status=${status}>
    <div class="when num"><span>${day(from)}</span><span class="small muted">${timeOf(from)}</span></div>
    <div class="what grow">
      <p class="name" dir="auto" data-testid="past-title">${title}</p>
      <p class="small muted row">
        <span class="num">${duration(Date.parse(to) - Date.parse(from))}</span>
        ${isStaff(me) && html`<${Status} replay=${replay} />`}
      </p>
      ${processing && html`<p class="small muted" data-testid="processing">${processing}</p>`}
      ${planned && !isPublished && html`<p class="small muted">${t("past.planned", { when: `${day(planned)}, ${timeOf(planned)}` })}</p>`}
      <${Refusal} text=${refusal} />
    </div>
    <div class="row acts">
      <${Opener} id=${id} page="replay"><${Icon} name="film" />${t("past.replay")}<//>
      ${mayRun && (isPublished || replay.has_media) && html`<button type="button" class=${isPublished ? "" : "primary"} data-testid=${isPublished ? "unpublish" : "publish"} disabled=${isBusy} onClick=${publish}>${t(isPublished ? "past.unpublish" : "past.publish")}</button>`}
      ${staffs.length > 0 && html`<${Menu} label=${t("session.actions", { title })} testid="past-actions" actions=${staffs} />`}
    </div>
    <${Dialog} isOpen=${asking === "plan"} title=${t("plan.title")} onClose=${() => ask("")} testid="plan-dialog">
      <${Plan} ...${{ api, replay }} onClose=${() => ask("")} onDone=${() => (ask(""), onChange())} />
    <//>
  </li>`;
}

/** Who sees it. @param {{replay: any}} props */
function Status({ replay: { status, has_media: hasMedia, processing } }) {
  const [kind, colour] =
    status === "published" ? ["published", "ok"] : processing ? ["processing", "warn"] : hasMedia ? ["draft", ""] : ["no_recording", ""];
  return html`<span class=${`pill ${colour}`} data-testid="replay-status">${t(`past.${kind}`)}</span>`;
}
