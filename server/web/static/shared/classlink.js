// @ts-check
/** One link for the whole class: copied, shown as a QR code, revoked. */

import { copied } from "./clipboard.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { t, when } from "./strings.js";
import { Icon } from "./ui/icon.js";
import { later } from "./ui/later.js";

const Qr = later(() => import("./qr.js"), "Qr");

/**
 * @typedef {{id: string, url: string, uses: number, max_uses: number, expires_at: string|null}} JoinLink
 * @param {{api: import("./rest.js").Rest, id: string}} props
 */
export function ClassLink({ api, id }) {
  const path = `/v1/sessions/${id}/join-links`;
  const [links, setLinks] = useState(/** @type {JoinLink[]|null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  /** The one that was just made: what follows is to copy it. */
  const [made, setMade] = useState("");
  const heading = useRef(/** @type {HTMLElement|null} */ (null));
  /** @param {() => Promise<unknown>} act */
  const run = async (act) => {
    setBusy(true);
    setTrouble("");
    try {
      await act();
    } catch (problem) {
      setTrouble(/** @type {Error} */ (problem).message);
    }
    setBusy(false);
  };
  const load = async () => setLinks((await api.get(`${path}?limit=200`)).items.filter(isOpen));
  const make = () =>
    run(async () => {
      const { join_link: link } = await api.post(path, {});
      setMade(link.id);
      await load();
    });
  /** @param {JoinLink} link */
  const revoke = (link) =>
    run(async () => {
      await api.send("DELETE", `${path}/${link.id}`);
      await load();
      heading.current?.focus(); // what was pressed is gone
    });
  useEffect(() => void run(load), []);
  return html`<section class="stack classlink" aria-labelledby="classlink" data-testid="classlink">
    <h3 id="classlink" ref=${heading} tabindex="-1">${t("classlink.title")}</h3>
    <p class="small muted">${t("classlink.text")}</p>
    ${links?.map((link) => html`<${Link} key=${link.id} isNew=${link.id === made} ...${{ link, isBusy }} onRevoke=${() => revoke(link)} />`)}
    ${links?.length === 0 && html`<div class="row"><button type="button" class="primary" data-testid="classlink-make" disabled=${isBusy} onClick=${make}><${Icon} name="link" />${t("classlink.make")}</button></div>`}
    ${trouble && html`<p role="alert" class="small" data-testid="classlink-trouble">${trouble}</p>`}
  </section>`;
}

/** Whether it lets somebody in. @param {JoinLink} link */
function isOpen({ uses, max_uses: most, expires_at: until }) {
  return uses < most && (until === null || Date.parse(until) > Date.now());
}

/** @param {{link: JoinLink, isNew: boolean, isBusy: boolean, onRevoke: () => void}} props */
function Link({ link, isNew, isBusy, onRevoke }) {
  const [said, setSaid] = useState("");
  const [isShown, show] = useState(false);
  const [isAsked, ask] = useState(false);
  const field = useRef(/** @type {HTMLInputElement|null} */ (null));
  const cancel = useRef(/** @type {HTMLButtonElement|null} */ (null));
  const copy = async () => {
    field.current?.focus();
    setSaid(t((await copied(link.url, field.current)) ? "invite.copied" : "invite.copy_yourself"));
  };
  useLayoutEffect(() => void (isNew && copy()), []);
  useLayoutEffect(() => cancel.current?.focus(), [isAsked]);
  return html`<div class="row">
      <input class="grow" ref=${field} readonly data-testid="classlink-url" aria-label=${t("classlink.title")} value=${link.url} onFocus=${(/** @type {any} */ { target }) => target.select()} />
      <button type="button" class="primary" data-testid="classlink-copy" onClick=${copy}>${t("invite.copy")}</button>
    </div>
    ${isAsked
      ? html`<div class="row card" role="group" aria-label=${t("classlink.revoke")}>
          <p class="small">${t("classlink.revoke_text")}</p>
          <span class="grow"></span>
          <button type="button" ref=${cancel} onClick=${() => (ask(false), field.current?.focus())}>${t("cancel")}</button>
          <button type="button" class="danger" data-testid="classlink-revoke-yes" disabled=${isBusy} onClick=${onRevoke}>${t("classlink.revoke")}</button>
        </div>`
      : html`<p class="small muted">${t("classlink.uses", { count: link.uses })} ${link.expires_at === null ? t("classlink.lasts") : t("invite.until", { when: when(link.expires_at) })}</p>
        <div class="row">
          <button type="button" class="small" data-testid="classlink-qr" aria-expanded=${isShown} onClick=${() => show(!isShown)}>${t("classlink.qr")}</button>
          <button type="button" class="small" data-testid="classlink-revoke" onClick=${() => ask(true)}>${t("classlink.revoke")}</button>
        </div>`}
    ${isShown && html`<div class="stack"><${Qr} text=${link.url} label=${t("classlink.qr_label")} /></div>`}
    <p role="status" class="small" data-testid="classlink-said">${said}</p>`;
}
