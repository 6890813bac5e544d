// @ts-check
/**
 * A client without I/O and without a DOM: the twin of protocol/client.py, held to it by
 * protocol/vectors. Text of the server in, state and answers out, text to send out.
 *
 * A shell (socket.js) opens the connection and moves text; every decision is here:
 *
 * - after opening: hello(), then send dataToSend();
 * - for each message: receive(text), then send dataToSend(); a second welcome says that this
 *   person is somewhere else now (let in, or with another role);
 * - when a "retry" comes: wait that long, resend(), send;
 * - on loss of the connection: disconnected(), wait, open again. Commands that were not answered
 *   go out again by themselves, in order, with the keys they had.
 *
 * @typedef {import("./state.js").State} State
 * @typedef {import("./state.js").LogEvent} LogEvent
 * @typedef {{type: string, [name: string]: any}} Frame
 * @typedef {{kind: "happened", event: LogEvent, known: boolean}} Happened
 * @typedef {{kind: "answered", key: string, answer: Frame}} Answered
 * @typedef {{kind: "retry", milliseconds: number}} RetryAfter
 * @typedef {{kind: "frame", frame: Frame}} Received
 * @typedef {Happened|Answered|RetryAfter|Received} Meaning
 * @typedef {{key: string, op: string, data: object, expect: number|null, inFlight: boolean}} Pending
 */

import { fold, isKnown } from "./state.js";

/** The refusals that mean "not now": the command stays pending and is sent again. */
const RETRYABLE = new Set(["rate_limited", "overloaded", "unavailable"]);
const DEFAULT_RETRY_MS = 200;

const FRAMES = new Set([
  "welcome", "snapshot", "events", "mine", "ack", "nack", "presence", "roster", "signal",
  "counters", "health", "ping", "pong", "token", "bye",
]);

/** The peer sent something that is no frame of this protocol. */
export class MalformedFrameError extends Error {}

/** 4100–4499 and codes below mean "come back", 4500–4999 "do not". @param {number} code */
export function mayReconnectAfter(code) {
  return code < 4500;
}

/** One person's view of one session, across any number of connections. */
export class Session {
  /** @type {"closed"|"hello"|"live"} */
  phase = "closed";
  /** @type {string|null} */
  log = null;
  /** @type {"staff"|"student"|"lobby"|null} */
  view = null;
  /** The last sequence applied. */
  position = 0;
  head = 0;
  /** The fold of everything up to `position`. @type {State|null} */
  state = null;
  /** @type {Frame|null} */
  mine = null;
  /** @type {Frame|null} */
  welcome = null;
  /** @type {Frame|null} */
  bye = null;
  /** How often a range did not fit: 0 unless the server had to let this client lag. */
  gaps = 0;

  /** @type {Map<string, Pending>} */
  #pending = new Map();
  /** @type {Map<number, string>} */
  #ids = new Map();
  #nextId = 0;
  #resyncing = false;
  /** @type {string[]} */
  #outgoing = [];
  #newKey;

  /**
   * @param {{token: string, newKey: () => string, info?: {name: string, version: string}}} options
   */
  constructor({ token, newKey, info = { name: "web", version: "1" } }) {
    this.token = token;
    this.info = info;
    this.#newKey = newKey;
  }

  // ---------------------------------------------------------------- what goes out

  /** Begin a connection; asks to resume where the last one stopped. */
  hello() {
    const resumable = this.log !== null && this.state !== null
      && (this.view === "staff" || this.view === "student");
    const resume = resumable ? { log: this.log, sequence: this.position, view: this.view } : null;
    this.phase = "hello";
    this.bye = null;
    this.#resyncing = false;
    this.#outgoing = [];
    this.#send({ type: "hello", token: this.token, client: this.info, resume });
  }

  /**
   * Ask for a command; return its key. It is sent at once when live, unless earlier ones wait for
   * resend(): then after them.
   * @param {string} op
   * @param {object} [data]
   * @param {{key?: string, expect?: number|null}} [options]
   * @returns {string}
   */
  command(op, data = {}, { key = this.#newKey(), expect = null } = {}) {
    const inTurn = [...this.#pending.values()].every((earlier) => earlier.inFlight);
    const pending = { key, op, data, expect, inFlight: false };
    this.#pending.set(key, pending);
    if (this.phase === "live" && inTurn) this.#sendCommand(pending);
    return key;
  }

  /** Say what is felt and not kept. @param {string} kind @param {object} data */
  signal(kind, data) {
    if (this.phase === "live") this.#send({ type: "signal", kind, data });
  }

  /** Ask whether the server is there. */
  ping() {
    this.#send({ type: "ping" });
  }

  /** Use a fresh token, on this connection and the next. @param {string} token */
  renew(token) {
    this.token = token;
    if (this.phase === "live") this.#send({ type: "token", token });
  }

  /** Send every command that has no answer and is not under way, in order. */
  resend() {
    if (this.phase !== "live") return;
    for (const pending of this.#pending.values()) {
      if (!pending.inFlight) this.#sendCommand(pending);
    }
  }

  /** Return the frames to send now, and forget them. @returns {string[]} */
  dataToSend() {
    const out = this.#outgoing;
    this.#outgoing = [];
    return out;
  }

  /** The connection is gone; nothing that it carried is certain any more. */
  disconnected() {
    this.phase = "closed";
    this.#ids.clear();
    for (const pending of this.#pending.values()) pending.inFlight = false;
  }

  /** How many commands wait for an answer. */
  get unanswered() {
    return this.#pending.size;
  }

  /** False once the server has said a goodbye that is final. */
  get mayReconnect() {
    return this.bye === null || mayReconnectAfter(this.bye.code);
  }

  // ---------------------------------------------------------------- what comes in

  /**
   * Take one message of the server; return what it means, in order.
   * @param {string} text
   * @returns {Meaning[]}
   * @throws {MalformedFrameError} If it is no frame of this protocol.
   */
  receive(text) {
    const frame = decode(text);
    switch (frame.type) {
      case "welcome":
        return this.#welcomed(frame);
      case "snapshot":
        this.state = frame.state;
        this.position = frame.sequence;
        this.#resyncing = false;
        break;
      case "events":
        return this.#apply(frame);
      case "mine":
        if (this.mine === null || frame.sequence >= this.mine.sequence) this.mine = frame;
        break;
      case "ack":
      case "nack":
        return this.#answered(frame);
      case "ping":
        this.head = Math.max(this.head, frame.head);
        this.#send({ type: "pong", applied: this.position });
        break;
      case "bye":
        this.bye = frame;
        break;
      default:
    }
    return [{ kind: "frame", frame }];
  }

  /** @param {Frame} frame @returns {Meaning[]} */
  #welcomed(frame) {
    if (frame.recovery === "snapshot") this.state = null;
    // Another log's sequences have nothing to do with the last one's.
    if (frame.log !== this.log) this.mine = null;
    const isFirst = this.phase !== "live";
    this.phase = "live";
    this.welcome = frame;
    this.log = frame.log;
    this.view = frame.view;
    this.head = frame.head;
    if (isFirst) this.resend(); // or what is under way on this connection is still answered
    return [{ kind: "frame", frame }];
  }

  /** @param {Frame} frame @returns {Meaning[]} */
  #apply(frame) {
    if (this.state === null) return []; // a snapshot is on its way
    if (frame.from > this.position + 1) {
      if (!this.#resyncing) {
        this.gaps += 1;
        this.#resyncing = true;
        this.#send({ type: "resync", sequence: this.position });
      }
      return [];
    }
    this.#resyncing = false;
    /** @type {Meaning[]} */
    const received = [];
    for (const event of frame.events) {
      if (event.sequence <= this.position) continue;
      this.state = fold(this.state, event);
      received.push({ kind: "happened", event, known: isKnown(event.type) });
    }
    this.position = Math.max(this.position, frame.to);
    this.head = Math.max(this.head, this.position);
    return received;
  }

  /** @param {Frame} frame @returns {Meaning[]} */
  #answered(frame) {
    const key = this.#ids.get(frame.id);
    this.#ids.delete(frame.id);
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (key === undefined || pending === undefined) return [];
    if (frame.type === "nack" && RETRYABLE.has(frame.code)) {
      pending.inFlight = false;
      return [{ kind: "retry", milliseconds: frame.retry_ms || DEFAULT_RETRY_MS }];
    }
    this.#pending.delete(key);
    return [{ kind: "answered", key, answer: frame }];
  }

  /** @param {Pending} pending */
  #sendCommand(pending) {
    const { key, op, data, expect } = pending;
    this.#nextId += 1;
    this.#ids.set(this.#nextId, key);
    pending.inFlight = true;
    this.#send({ type: "command", id: this.#nextId, key, op, data, expect });
  }

  /** @param {Frame} frame */
  #send(frame) {
    this.#outgoing.push(JSON.stringify(frame));
  }
}

/** @param {string} text @returns {Frame} */
function decode(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    throw new MalformedFrameError("not valid JSON");
  }
  if (frame === null || typeof frame !== "object" || !FRAMES.has(frame.type)) {
    throw new MalformedFrameError("not a frame of this protocol");
  }
  return frame;
}
