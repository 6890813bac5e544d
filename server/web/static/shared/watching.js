// @ts-check
/**
 * Watch a class: by WebRTC while the server has room, else by HLS, some seconds later.
 *
 * What the server lists first is tried first. WebRTC that fails twice in a row (no room any more,
 * or a network that lets none through) gives way to HLS, and so does what is refused for good (a
 * browser without H.264 in WebRTC); when that ends, the server is asked again.
 * Sound alone is what WebRTC can do; HLS carries both.
 *
 * @typedef {import("./peer.js").PeerState & {way: "whep"|"hls"|""}} Watched
 */

import { play } from "./hls.js";
import { rest } from "./rest.js";
import { watcher } from "./whep.js";

const FAILURES = 2;
const PAUSE_MS = 2_000;
const LOOK_MS = 3_000;
/** HLS that has shown nothing new for this long is started anew. */
const STALLED_MS = 15_000;

/**
 * @param {{session: string, token: string, video: HTMLVideoElement, isOnAir: () => boolean,
 *   wantsPicture: () => boolean, onState: (state: Watched) => void}} options
 */
export function watching({ session, token, video, isOnAir, wantsPicture, onState }) {
  const api = rest(token);
  const stream = new MediaStream();
  const instant = watcher({ session, token, stream, isOnAir, wantsPicture, onState: onInstant });
  /** Counts starts and stops: what was begun before the last one is over. */
  let run = 0;
  let isStarted = false;
  let end = () => {};

  /** @param {import("./peer.js").PeerState} state */
  function onInstant(state) {
    if (!isStarted || state.status === "idle") return;
    onState({ ...state, way: "whep" });
    const isOver = state.status === "refused" || (state.status === "reconnecting" && state.attempt >= FAILURES);
    if (isOver) void later(run);
  }

  /** @param {string} kind */
  async function way(kind) {
    const { items } = await api.get(`/v1/sessions/${session}/playback`);
    const live = items.filter((/** @type {any} */ { kind, url }) => kind === "whep" || url.includes("/live/"));
    return kind === "" ? live[0] : live.find((/** @type {any} */ each) => each.kind === kind);
  }

  /** @param {number} mine */
  async function choose(mine) {
    onState({ status: "connecting", attempt: 0, message: "", way: "" });
    const first = await way("").catch(() => undefined);
    if (mine !== run) return;
    if (first?.kind === "hls") return later(mine, first.url);
    video.srcObject = stream;
    instant.start();
  }

  /** @param {number} mine @param {string} [known] */
  async function later(mine, known) {
    const url = known ?? (await way("hls").catch(() => undefined))?.url;
    // Where there is no HLS, WebRTC goes on trying, or is refused.
    if (mine !== run || url === undefined) return;
    const ours = ++run;
    instant.stop();
    video.srcObject = null;
    onState({ status: "connecting", attempt: 0, message: "", way: "hls" });
    let seen = -1;
    let movedAt = Date.now();
    const again = () => {
      if (ours !== run) return;
      halt();
      onState({ status: "reconnecting", attempt: 1, message: "", way: "hls" });
      setTimeout((/** @type {number} */ next) => void (next === run && choose(next)), PAUSE_MS, run);
    };
    const look = setInterval(() => {
      if (video.currentTime !== seen || !isOnAir()) movedAt = Date.now();
      seen = video.currentTime;
      if (Date.now() - movedAt > STALLED_MS) again();
    }, LOOK_MS);
    const playing = () => onState({ status: "live", attempt: 0, message: "", way: "hls" });
    video.addEventListener("playing", playing);
    let unload = () => {};
    end = () => (clearInterval(look), video.removeEventListener("playing", playing), unload());
    const loaded = await play(video, url, again);
    if (ours === run) unload = loaded;
    else loaded();
    void video.play().catch(() => undefined); // the browser wants a gesture: the button stays
  }

  function halt() {
    run += 1;
    instant.stop();
    end();
    end = () => {};
  }

  return {
    /** Harmless while already started. */
    start() {
      if (isStarted) return;
      isStarted = true;
      void choose(++run);
    },
    /** What carried the class is gone. HLS finds its way by itself. */
    renew() {
      instant.renew();
    },
    /** The picture is wanted again, or no more: with WebRTC, it is asked for anew. */
    choosePicture() {
      if (video.srcObject === null || instant.state.status === "idle") return;
      instant.stop();
      instant.start();
    },
    stop() {
      if (!isStarted) return;
      isStarted = false;
      halt();
      onState({ status: "idle", attempt: 0, message: "", way: "" });
    },
  };
}
