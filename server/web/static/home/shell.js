// @ts-check
/** What is around every part: who is signed in, where one can go, and the search. */

import { html, useEffect, useLayoutEffect, useRef, useState } from "../shared/html.js";
import { SHORT_TEXT_LENGTH } from "../shared/lengths.js";
import { t } from "../shared/strings.js";
import { FullPage } from "../shared/ui/fullpage.js";
import { signOut } from "./account.js";
import { forget } from "./catalogue.js";
import { Classes } from "./classes.js";
import { Course } from "./course.js";
import { Courses } from "./courses.js";
import { Destinations } from "./destinations.js";
import { useRemote } from "./remote.js";
import { administers, isStaff, looksAtAll } from "./rights.js";
import { go, Link, route } from "./router.js";
import { School } from "./school.js";
import { Search } from "./search.js";

/** @typedef {import("../shared/rest.js").Rest} Rest @typedef {import("./rights.js").Me} Me */

/** @param {{api: Rest}} props */
export function Account({ api }) {
  const { value: me, trouble, load } = useRemote(() => api.get("/v1/me"), []);
  const { path } = route.value;
  const before = useRef(path);
  useEffect(() => forget, []);
  useLayoutEffect(() => {
    document.title = `${titleOf(path)} – ${t("home.title")}`;
    // Whoever cannot see that another part is shown is led there.
    if (before.current !== path) document.getElementById("content")?.focus();
    before.current = path;
  }, [path]);
  if (trouble) {
    return html`<${FullPage} title=${t("home.unreachable")} text=${trouble} testid="unreachable">
      <div class="row">
        <button type="button" class="primary" onClick=${load}>${t("retry")}</button>
        <button type="button" onClick=${() => signOut()}>${t("home.sign_out")}</button>
      </div>
    <//>`;
  }
  if (me === null) return html`<${FullPage} title=${t("home.title")} text=${t("home.loading")} testid="home-loading" />`;
  return html`<a class="skip" href="#content">${t("home.skip")}</a>
    <${Header} me=${me} />
    <main class="home" id="content" tabindex="-1"><${Part} ...${{ api, me }} onRenamed=${load} /></main>`;
}

/** @param {string} path */
function titleOf(path) {
  const part = path.split("/")[1];
  return t({ courses: "home.courses", destinations: "home.destinations", school: "home.school", search: "search.title" }[part] ?? "home.classes");
}

/** @param {{api: Rest, me: Me, onRenamed: () => void}} props */
function Part({ api, me, onRenamed }) {
  const { path, query } = route.value;
  const [, part, id] = path.split("/");
  if (part === "search") return html`<${Search} key=${query.toString()} ...${{ api, me, query }} />`;
  if (part === "courses" && id) return html`<${Course} key=${id} ...${{ api, me, id }} />`;
  if (part === "courses") return html`<${Courses} ...${{ api, me }} />`;
  if (part === "destinations") return html`<${Destinations} ...${{ api, me }} />`;
  if (part === "school" && administers(me)) return html`<${School} part=${id ?? ""} ...${{ api, me, onRenamed }} />`;
  return html`<${Classes} ...${{ api, me }} />`;
}

/** @param {{me: Me}} props */
function Header({ me }) {
  const { path, query } = route.value;
  const places = [
    { href: "/", name: t("home.classes"), isShown: true, isHere: path === "/" },
    { href: "/courses", name: t("home.courses"), isShown: isStaff(me), isHere: path.startsWith("/courses") },
    { href: "/destinations", name: t("home.destinations"), isShown: looksAtAll(me), isHere: path === "/destinations" },
    { href: "/school", name: t("home.school"), isShown: administers(me), isHere: path.startsWith("/school") },
  ];
  return html`<header class="bar home-bar">
    <${Link} href="/" class="brand"><span class="mark" aria-hidden="true"></span><span dir="auto">${me.tenant_name}</span><//>
    <nav aria-label=${t("home.parts")}>
      ${places.map(({ href, name, isShown, isHere }) => isShown && html`<${Link} key=${href} href=${href} aria-current=${isHere ? "page" : undefined}>${name}<//>`)}
    </nav>
    <${Finder} asked=${path === "/search" ? query.get("q") ?? "" : ""} />
    <div class="row who">
      <span class="small" dir="auto" data-testid="me">${me.name}</span>
      <button type="button" class="small" data-testid="sign-out" onClick=${() => signOut()}>${t("home.sign_out")}</button>
    </div>
  </header>`;
}

/** @param {{asked: string}} props */
function Finder({ asked }) {
  const [text, setText] = useState(asked);
  // Before it is seen: what somebody writes in it is not taken away.
  useLayoutEffect(() => setText(asked), [asked]);
  /** @param {SubmitEvent} event */
  const find = (event) => {
    event.preventDefault();
    if (text.trim()) go(`/search?q=${encodeURIComponent(text.trim())}`);
  };
  return html`<form role="search" onSubmit=${find}>
    <input type="search" data-testid="find" maxlength=${SHORT_TEXT_LENGTH} aria-label=${t("home.find")} placeholder=${t("home.find")} value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
  </form>`;
}
