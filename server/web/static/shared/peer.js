// @ts-check
/**
 * One WebRTC connection to the server, kept up: WHIP (RFC 9725) and WHEP say the same over HTTP.
 *
 * offer → POST → 201 with the answer and a Location → DELETE that when leaving. Candidates are
 * gathered before the offer is sent: the server needs no trickle, and one request is the fastest.
 *
 * @typedef {"idle"|"connecting"|"live"|"reconnecting"|"refused"} PeerStatus
 * @typedef {{status: PeerStatus, attempt: number, message: string}} PeerState
 */

import { backoff } from "./backoff.js";
import { problem } from "./rest.js";

const GATHERING_MS = 1_500;
const SERVERS_MS = 3_000;
/** Credentials that end sooner than this are asked for anew. */
const SPARE_MS = 60_000;
const CONNECTING_MS = 10_000;
const POST_MS = 10_000;
/** A disconnected ICE may recover by itself; after this long it does not. */
const DISCONNECTED_MS = 4_000;
const LOOK_MS = 1_000;
/** No byte for this long: the connection says that it is up, but it carries nothing. */
const SILENT_MS = 6_000;

/** Keeps one peer connection up from start() to stop(). */
export class Peer {
  /** @type {PeerState} */
  state = { status: "idle", attempt: 0, message: "" };
  /** When the server last took our offer. */
  answeredAt = 0;

  /** @type {AbortController|null} */
  #run = null;
  /** @type {RTCPeerConnection|null} */
  #connection = null;
  /** @type {string|null} */
  #resource = null;
  /** @type {{servers: RTCIceServer[], until: number}|null} */
  #relays = null;
  #url;
  #token;
  #prepare;
  #onState;
  #mustFlow;

  /**
   * @param {{url: string, token: string, prepare: (pc: RTCPeerConnection) => void|Promise<void>,
   *   onState: (state: PeerState) => void, mustFlow?: () => boolean}} options `prepare` adds the
   *   tracks or transceivers; while `mustFlow()`, a connection without bytes is started anew.
   */
  constructor({ url, token, prepare, onState, mustFlow = () => false }) {
    this.#url = url;
    this.#token = token;
    this.#prepare = prepare;
    this.#onState = onState;
    this.#mustFlow = mustFlow;
  }

  /** The transceivers of the present connection. */
  get transceivers() {
    return this.#connection?.getTransceivers() ?? [];
  }

  /** Connect, and again whenever it breaks. Harmless while already started. */
  start() {
    if (this.#run !== null) return;
    this.#run = new AbortController();
    void this.#keepUp(this.#run.signal);
  }

  /** What it is connected to is gone, and nothing here has noticed yet: connect anew, within a second. */
  renew() {
    if (this.state.status === "live") this.#connection?.close();
  }

  /** Leave: the server is told, nothing comes back by itself. */
  stop() {
    this.#run?.abort();
    this.#run = null;
    this.#leave();
    this.#become({ status: "idle", attempt: 0, message: "" });
  }

  /** @param {AbortSignal} stopped */
  async #keepUp(stopped) {
    let attempt = 0;
    this.#become({ status: "connecting", attempt, message: "" });
    while (!stopped.aborted) {
      let message = "";
      try {
        const connection = await this.#connect(stopped);
        attempt = 0;
        this.#become({ status: "live", attempt, message });
        await this.#broken(connection, stopped);
      } catch (error) {
        if (stopped.aborted) return;
        message = /** @type {Error} */ (error).message;
        if (isFinal(/** @type {any} */ (error).status)) {
          this.#leave();
          this.#become({ status: "refused", attempt, message });
          this.#run = null;
          return;
        }
      }
      if (stopped.aborted) return;
      this.#leave();
      attempt += 1;
      this.#become({ status: "reconnecting", attempt, message });
      await pause(backoff(attempt - 1), stopped);
    }
  }

  /** @param {AbortSignal} stopped @returns {Promise<RTCPeerConnection>} */
  async #connect(stopped) {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#connection = connection;
    const relays = this.#iceServers(stopped);
    await this.#prepare(connection);
    // Before the gathering, which asks them: the Link headers of the answer would come too late.
    connection.setConfiguration({ ...connection.getConfiguration(), iceServers: await relays });
    await connection.setLocalDescription();
    await gathered(connection);
    if (stopped.aborted) throw new Error("stopped");
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/sdp" },
      body: connection.localDescription?.sdp,
      signal: AbortSignal.any([stopped, AbortSignal.timeout(POST_MS)]),
    });
    if (response.status !== 201) throw await problem(response);
    const location = response.headers.get("location");
    this.#resource = location && new URL(location, response.url).href;
    this.answeredAt = Date.now();
    await connection.setRemoteDescription({ type: "answer", sdp: await response.text() });
    await reached(connection);
    return connection;
  }

  /**
   * What helps through firewalls, as the server says. Without an answer we try without: most
   * people need none.
   * @param {AbortSignal} stopped @returns {Promise<RTCIceServer[]>}
   */
  async #iceServers(stopped) {
    if (this.#relays !== null && Date.now() < this.#relays.until) return this.#relays.servers;
    try {
      const response = await fetch(this.#url.replace(/[^/]+$/, "ice-servers"), {
        headers: { authorization: `Bearer ${this.#token}` },
        signal: AbortSignal.any([stopped, AbortSignal.timeout(SERVERS_MS)]),
      });
      if (!response.ok) return [];
      const { ice_servers, expires_at } = await response.json();
      const servers = ice_servers.map((/** @type {any} */ { urls, username, credential }) =>
        username === null ? { urls } : { urls, username, credential },
      );
      const until = expires_at === null ? Infinity : Date.parse(expires_at) - SPARE_MS;
      this.#relays = { servers, until };
      return servers;
    } catch {
      return [];
    }
  }

  /** Wait until the connection no longer works. @param {RTCPeerConnection} connection @param {AbortSignal} stopped */
  async #broken(connection, stopped) {
    let badSince = 0;
    let bytes = -1;
    let flowedAt = Date.now();
    while (!stopped.aborted) {
      await pause(LOOK_MS, stopped);
      const now = Date.now();
      const state = connection.connectionState;
      if (state === "failed" || state === "closed") return;
      badSince = state === "connected" ? 0 : badSince || now;
      if (badSince && now - badSince > DISCONNECTED_MS) return;
      const carried = await received(connection);
      if (carried !== bytes || !this.#mustFlow()) flowedAt = now;
      bytes = carried;
      if (now - flowedAt > SILENT_MS) return;
    }
  }

  #leave() {
    this.#connection?.close();
    this.#connection = null;
    if (this.#resource !== null) {
      // keepalive: it must still go out while the page is being closed. Whether it arrives does
      // not matter: the server notices silence, too.
      void fetch(this.#resource, {
        method: "DELETE",
        keepalive: true,
        headers: { authorization: `Bearer ${this.#token}` },
      }).catch(() => undefined);
      this.#resource = null;
    }
  }

  /** @param {PeerState} state */
  #become(state) {
    this.state = state;
    this.#onState(state);
  }
}

/** Whether a refusal of the server will be the same next time. @param {number|undefined} status */
function isFinal(status = 0) {
  return status >= 400 && status < 500 && ![404, 408, 409, 425, 429].includes(status);
}

/** @param {number} milliseconds @param {AbortSignal} stopped @returns {Promise<void>} */
function pause(milliseconds, stopped) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    stopped.addEventListener("abort", done);
  });
}

/** @param {RTCPeerConnection} connection @returns {Promise<void>} */
function gathered(connection) {
  return new Promise((done) => {
    if (connection.iceGatheringState === "complete") return done();
    const timer = setTimeout(done, GATHERING_MS);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState === "complete") (clearTimeout(timer), done());
    });
  });
}

/** @param {RTCPeerConnection} connection @returns {Promise<void>} */
function reached(connection) {
  return new Promise((done, failed) => {
    const timer = setTimeout(() => failed(new Error("The media connection timed out.")), CONNECTING_MS);
    const look = () => {
      if (connection.connectionState === "connected") (clearTimeout(timer), done());
      if (connection.connectionState === "failed") {
        (clearTimeout(timer), failed(new Error("The media connection failed.")));
      }
    };
    connection.addEventListener("connectionstatechange", look);
    look();
  });
}

/** @param {RTCPeerConnection} connection @returns {Promise<number>} */
async function received(connection) {
  let bytes = 0;
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "inbound-rtp" && report.kind === "video") bytes += report.bytesReceived;
  }
  return bytes;
}
