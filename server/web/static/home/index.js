// @ts-check
/** Where teachers begin: the door for whoever is not signed in, and behind it their classes. */

import "./words.js";
import { keepFocus } from "../shared/focus.js";
import { html, render } from "../shared/html.js";
import { rest } from "../shared/rest.js";
import { t } from "../shared/strings.js";
import { Account } from "./shell.js";
import { adopt, codeIn, exchange, token } from "./account.js";
import { Door, Entering } from "./door.js";
import { go } from "./router.js";
import { signal } from "../shared/signals.js";

const isEntering = signal(false);

/** Take what a link brought along out of the address, and use it. */
async function begin() {
  const { hash, pathname, search } = location;
  const given = new URLSearchParams(hash.slice(1)).get("token");
  const code = codeIn(hash);
  if (hash) go(pathname === "/sign-in" ? "/" : pathname + search, true);
  if (given) adopt(given);
  if (code === null) return;
  isEntering.value = true;
  await exchange(code);
  isEntering.value = false;
}

function Home() {
  if (isEntering.value) return html`<${Entering} />`;
  if (token.value === null) return html`<${Door} />`;
  return html`<${Account} key=${token.value} api=${rest(token.value)} />`;
}

document.title = t("home.title");
void begin();
addEventListener("hashchange", () => void begin());
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
keepFocus(root);
render(html`<${Home} />`, root);
