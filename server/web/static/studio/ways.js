// @ts-check
/**
 * How a way out does: a shape, a word, a colour, and a sentence that names the side at fault.
 */

import { duration, known, t } from "../shared/strings.js";

/** Shape and colour of each phase; the word is in the strings. @type {Record<string, [string, string]>} */
const LOOKS = {
  off: ["○", ""],
  ready: ["○", "ok"],
  enabled: ["◔", "busy"],
  retry_requested: ["◔", "busy"],
  connecting: ["◔", "busy"],
  live: ["●", "ok"],
  recovered: ["●", "ok"],
  degraded: ["◐", "warn"],
  retry_scheduled: ["◐", "warn"],
  no_data: ["?", ""],
  failed: ["✕", "bad"],
  key: ["⛔", "bad"],
  stopped: ["○", ""],
};

/** Where only another key helps, … */
const KEY_CODES = new Set(["auth_rejected", "secret_missing"]);
/** … and where it may: many platforms just hang up on a wrong key, each time. */
const HANGS_UP = new Set(["publish_denied", "provider_close", "reset"]);
const TRIES = 2;
const WORKS = new Set(["live", "recovered"]);

/** The words for each side of a health frame. @type {Record<string, string>} */
const SIDES = { uplink: "side.uplink", server: "side.server" };

/**
 * @typedef {{id: string, name: string, provider: string, warnings: {text: string}[]}} Listed
 * @typedef {{phase: string, shape: string, colour: string, word: string, why: string,
 *   isOn: boolean, works: boolean, needsKey: boolean, mayRetry: boolean, kbps: number}} Way
 *   `needsKey`: another key helps, or may.
 */

/**
 * @param {Listed} listed @param {import("../shared/state.js").Destination|undefined} folded
 * @param {any} verdict what the newest report of health says of it
 * @param {{now: number, isLive: boolean}} at
 * @returns {Way}
 */
export function wayOf(listed, folded, verdict, { now, isLive }) {
  const status = folded?.status ?? "disabled";
  const isOn = status === "enabled";
  const code = folded?.code ?? "";
  const isRefused = status === "failed" && KEY_CODES.has(code);
  const phase = phaseOf(status, folded?.phase ?? "off", { isRefused, isLive, isSilent: verdict?.state === "no_data" });
  const [shape, colour] = LOOKS[phase] ?? LOOKS.enabled;
  const wait = verdict?.next_retry_at ? Math.max(0, Date.parse(verdict.next_retry_at) - now) : 0;
  const told = phase === "retry_scheduled" && wait > 0 ? "retry_in" : phase === "key" && code === "secret_missing" ? "key_missing" : phase;
  const word = t(`destination.${told}`, { attempt: folded?.attempt ?? 0, wait: duration(wait + 999) });
  return {
    phase, shape, colour, word, isOn,
    needsKey: isRefused || (isOn && !WORKS.has(phase) && HANGS_UP.has(code) && (folded?.attempt ?? 0) >= TRIES),
    why: reason(listed, folded, verdict, phase),
    works: isOn && WORKS.has(phase),
    mayRetry: (status === "failed" && !isRefused) || phase === "retry_scheduled",
    kbps: isOn ? verdict?.kbps ?? 0 : 0,
  };
}

/**
 * @param {string} status @param {string} phase
 * @param {{isRefused: boolean, isLive: boolean, isSilent: boolean}} about
 */
function phaseOf(status, phase, { isRefused, isLive, isSilent }) {
  if (isRefused) return "key";
  if (status === "disabled") return "off";
  if (phase === "enabled" && !isLive) return "ready";
  return isSilent && WORKS.has(phase) ? "no_data" : phase;
}

/**
 * Who has to do something, and what; nothing where all is well.
 * @param {Listed} listed @param {import("../shared/state.js").Destination|undefined} folded
 * @param {any} verdict @param {string} phase
 */
function reason({ name, warnings }, folded, verdict, phase) {
  if (phase === "off" || phase === "stopped") return "";
  if (WORKS.has(phase) && (verdict === undefined || verdict.state === "good")) return "";
  const code = folded?.code;
  // The server says more: the platform's name, what to do, and when it tries again.
  const said = verdict?.text || (code && (known(`code.${code}`) ? t(`code.${code}`) : code));
  if (said) {
    const side = verdict?.side ?? "platform";
    // Of a platform, the server speaks by its title; where this is its name here, once is enough.
    if (!SIDES[side] && said.toLocaleLowerCase().includes(name.toLocaleLowerCase())) return said;
    return t("side.says", { side: SIDES[side] ? t(SIDES[side]) : name, text: said });
  }
  return phase === "ready" ? warnings?.[0]?.text ?? "" : "";
}
