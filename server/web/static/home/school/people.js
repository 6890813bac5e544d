// @ts-check
/** The people of the school: found by name, address and role; and somebody new. */

import { html, useEffect, useState } from "../../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../../shared/lengths.js";
import { t } from "../../shared/strings.js";
import { Dialog } from "../../shared/ui/dialog.js";
import { Loaded, useRemote } from "../remote.js";
import { NewPerson } from "./newperson.js";
import { Person } from "./person.js";

const PAGE = 50;
/** After so long without a letter more, one has said whom one looks for. */
const SAID_MS = 300;
const KINDS = ["", "admin", "teacher", "assistant", "student", "inactive"];

/** @param {{api: import("../../shared/rest.js").Rest, me: import("../rights.js").Me}} props */
export function People({ api, me }) {
  const [isAdding, setAdding] = useState(false);
  const [sought, seek] = useState("");
  const [text, setText] = useState("");
  const [kind, setKind] = useState("");
  const [count, setCount] = useState(PAGE);
  useEffect(() => {
    const timer = setTimeout(() => seek(text.trim()), SAID_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useRemote(async () => {
    const filter = new URLSearchParams({
      limit: String(PAGE), ...(sought && { q: sought }), ...(kind && (kind === "inactive" ? { status: kind } : { role: kind })),
    });
    const items = [];
    for (;;) {
      const page = await api.get(`/v1/users?${filter}`);
      items.push(...page.items);
      if (page.next === null || items.length >= count) return { items, isAll: page.next === null };
      filter.set("after", page.next);
    }
  }, [sought, kind]);
  useEffect(() => void (count > PAGE && found.load()), [count]);
  const close = () => setAdding(false);
  return html`<section class="stack" aria-labelledby="people">
    <div class="row head">
      <h2 class="grow" id="people">${t("school.people")}</h2>
      <button type="button" class="primary" data-testid="add-person" onClick=${() => setAdding(true)}>${t("people.add")}</button>
    </div>
    <p class="muted">${t("people.text")}</p>
    <div class="row filters">
      <input type="search" class="grow" data-testid="people-find" maxlength=${SHORT_TEXT_LENGTH} aria-label=${t("people.find")} placeholder=${t("people.find")} value=${text} onInput=${(/** @type {any} */ { target }) => setText(target.value)} />
      <select data-testid="people-kind" aria-label=${t("people.kind")} value=${kind} onChange=${(/** @type {any} */ { target }) => setKind(target.value)}>
        ${KINDS.map((each) => html`<option key=${each} value=${each}>${t(`people.kind_${each || "all"}`)}</option>`)}
      </select>
    </div>
    <${Loaded} of=${found}>
      ${(/** @type {{items: any[], isAll: boolean}} */ { items, isAll }) => html`
        ${items.length === 0 && html`<p class="empty" data-testid="nobody">${t("people.nobody")}</p>`}
        ${items.length === 1 && isAll && !sought && !kind && html`<p class="empty" data-testid="alone">${t("people.alone")}</p>`}
        <ul class="cards" data-testid="people">${items.map((person) => html`<${Person} key=${person.id} onChange=${found.load} ...${{ api, me, person }} />`)}</ul>
        ${!isAll && html`<button type="button" class="more" data-testid="more" onClick=${() => setCount(count + PAGE)}>${t("home.more")}</button>`}`}
    <//>
    <${Dialog} isOpen=${isAdding} title=${t("people.add")} onClose=${close} testid="person-dialog">
      <${NewPerson} api=${api} onDone=${found.load} onClose=${close} />
    <//>
  </section>`;
}
