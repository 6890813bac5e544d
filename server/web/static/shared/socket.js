// @ts-check
/**
 * The shell around a Session: a WebSocket that comes back by itself.
 *
 * It opens, moves text, waits and opens again. What to say is the session's business; whether to
 * come back is the close code's.
 *
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./session.js").Meaning} Meaning
 * @typedef {"connecting"|"live"|"reconnecting"|"offline"|"over"} Status
 * @typedef {{status: Status, attempt: number, code: number|null}} Link
 */

import { backoff, spread } from "./backoff.js";
import { MalformedFrameError, mayReconnectAfter } from "./session.js";

const SUBPROTOCOL = "liveclass.v1.json";
const OPENING_MS = 10_000;
const SILENCE_MS = 10_000;
const ANSWER_MS = 5_000;
const BEHIND_MS = 5_000;
const TOKEN_EXPIRED = 4105;
const PROTOCOL_ERROR = 4501;

/** One session's connection, kept up until close() or a final goodbye. */
export class LiveSocket {
  /** Where the connection stands. @type {Link} */
  link = { status: "connecting", attempt: 0, code: null };

  /** @type {WebSocket|null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #silence;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #resend;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #behind;
  #url;
  #session;
  #onMeanings;
  #onLink;
  #random;

  /**
   * @param {{url: string, session: Session, onMeanings: (meanings: Meaning[]) => void,
   *   onLink: (link: Link) => void, random?: () => number}} options
   */
  constructor({ url, session, onMeanings, onLink, random = Math.random }) {
    this.#url = url;
    this.#session = session;
    this.#onMeanings = onMeanings;
    this.#onLink = onLink;
    this.#random = random;
  }

  /** Open the connection, now; harmless while one is open or opening. */
  open() {
    if (this.#socket !== null || this.link.status === "over") return;
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    // A server that accepts and then says nothing must not hold us for ever.
    this.#timer = setTimeout(() => this.#lost(null), OPENING_MS);
    socket.onopen = () => {
      this.#session.hello();
      this.flush();
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#lost(code);
  }

  /** Send whatever the session has to say. */
  flush() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const text of this.#session.dataToSend()) this.#socket.send(text);
  }

  /** Try now instead of waiting: somebody asked, or the network came back. */
  tryNow() {
    this.open();
  }

  /** The browser says that there is no network: what is open is dead, and trying is vain. */
  offline() {
    if (this.link.status === "over") return;
    this.#drop();
    clearTimeout(this.#timer);
    this.#become({ status: "offline", attempt: this.link.attempt, code: null });
  }

  /** Leave for good. */
  close() {
    this.#drop();
    clearTimeout(this.#timer);
    this.#become({ status: "over", attempt: 0, code: null });
  }

  /** @param {string} text */
  #receive(text) {
    const { position } = this.#session;
    let meanings;
    try {
      meanings = this.#session.receive(text);
    } catch (error) {
      if (!(error instanceof MalformedFrameError)) throw error;
      this.#lost(PROTOCOL_ERROR);
      return;
    }
    this.flush();
    if (this.#session.phase === "live" && this.link.status !== "live") {
      clearTimeout(this.#timer);
      this.#become({ status: "live", attempt: 0, code: null });
    }
    for (const meaning of meanings) {
      if (meaning.kind === "retry") this.#resendAfter(meaning.milliseconds);
    }
    this.#listen();
    this.#catchUp(this.#session.position > position);
    this.#onMeanings(meanings);
  }

  /** The head is ahead of us and nothing moves: a silent gap. @param {boolean} moved */
  #catchUp(moved) {
    const isBehind = this.#session.head > this.#session.position;
    if (moved || !isBehind) {
      clearTimeout(this.#behind);
      this.#behind = undefined;
    }
    if (isBehind) this.#behind ??= setTimeout(() => this.#lost(null), BEHIND_MS);
  }

  /** Nothing heard for a while: ask; no answer: start again. */
  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#session.ping();
      this.flush();
      this.#silence = setTimeout(() => this.#lost(null), ANSWER_MS);
    }, SILENCE_MS);
  }

  /** @param {number} milliseconds */
  #resendAfter(milliseconds) {
    clearTimeout(this.#resend);
    this.#resend = setTimeout(() => {
      this.#session.resend();
      this.flush();
    }, spread(milliseconds, this.#random));
  }

  /** The connection is gone. @param {number|null} code */
  #lost(code) {
    const { bye } = this.#session;
    this.#drop();
    const why = bye?.code ?? code;
    if (why !== null && (!mayReconnectAfter(why) || why === TOKEN_EXPIRED)) {
      this.#become({ status: "over", attempt: 0, code: why });
      return;
    }
    const attempt = this.link.attempt + 1;
    const wait = bye?.retry_ms ? spread(bye.retry_ms, this.#random) : backoff(attempt - 1, this.#random);
    this.#become({ status: "reconnecting", attempt, code: why });
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #drop() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    clearTimeout(this.#resend);
    clearTimeout(this.#behind);
    this.#behind = undefined;
    if (this.#socket !== null) {
      this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket.close();
      this.#socket = null;
    }
    this.#session.disconnected();
  }

  /** @param {Link} link */
  #become(link) {
    this.link = link;
    this.#onLink(link);
  }
}
