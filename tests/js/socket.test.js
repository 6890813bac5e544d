// @ts-check
// The shell comes back when it should, when it should, and says goodbye when it must.
import assert from "node:assert/strict";
import test from "node:test";

import { Session } from "../../server/web/static/shared/session.js";
import { LiveSocket } from "../../server/web/static/shared/socket.js";
import { emptyState } from "../../server/web/static/shared/state.js";

const AT = "2026-11-22T09:00:00.123Z";

/** The other end of the wire. */
class FakeWebSocket {
  static OPEN = 1;
  /** @type {FakeWebSocket[]} */
  static all = [];
  readyState = 0;
  /** @type {any[]} */
  sent = [];
  isClosed = false;
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;

  /** @param {string} url @param {string} protocol */
  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
    FakeWebSocket.all.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.isClosed = true;
    this.readyState = 3;
  }

  accepts() {
    this.readyState = FakeWebSocket.OPEN;
    this.onopen?.();
  }

  /** @param {any} frame */
  says(frame) {
    this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
  }

  /** @param {number} code */
  hangsUp(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

/** @param {any} context */
function client(context) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  FakeWebSocket.all = [];
  // @ts-ignore
  globalThis.WebSocket = FakeWebSocket;
  let keys = 0;
  const session = new Session({ token: "t", newKey: () => `k${(keys += 1)}` });
  /** @type {string[]} */
  const statuses = [];
  /** @type {any[]} */
  const meanings = [];
  const socket = new LiveSocket({
    url: "ws://school.example/live",
    session,
    onMeanings: (received) => meanings.push(...received),
    onLink: ({ status }) => statuses.push(status),
    random: () => 0.5,
  });
  socket.open();
  return {
    session,
    socket,
    statuses,
    meanings,
    /** Let so many milliseconds pass. @param {number} milliseconds */
    wait: (milliseconds) => context.mock.timers.tick(milliseconds),
    wire: () => /** @type {FakeWebSocket} */ (FakeWebSocket.all.at(-1)),
    connections: () => FakeWebSocket.all.length,
  };
}

/** @param {FakeWebSocket} wire @param {number} [head] */
function joins(wire, head = 0) {
  wire.accepts();
  wire.says({ type: "welcome", log: "l", head, me: {}, view: "student", recovery: "snapshot", now: AT });
  wire.says({ type: "snapshot", sequence: head, state: emptyState() });
}

test("it says hello, is live after the welcome, and passes on what it hears", (context) => {
  const { wire, statuses, meanings, socket } = client(context);
  assert.equal(wire().protocol, "liveclass.v1.json");
  joins(wire());
  assert.equal(wire().sent[0].type, "hello");
  assert.deepEqual(statuses, ["live"]);
  assert.equal(socket.link.attempt, 0);
  assert.deepEqual(meanings.map(({ frame }) => frame.type), ["welcome", "snapshot"]);
});

test("a lost connection comes back after a growing, jittered wait, and resumes", (context) => {
  const { wire, wait, connections, statuses, session } = client(context);
  joins(wire(), 7);
  wire().hangsUp(1006);
  assert.equal(statuses.at(-1), "reconnecting");
  wait(249);
  assert.equal(connections(), 1);
  wait(1); // half of 500 ms
  assert.equal(connections(), 2);
  wire().hangsUp(1006);
  wait(499);
  assert.equal(connections(), 2);
  wait(1); // half of 1,000 ms
  assert.equal(connections(), 3);
  wire().accepts();
  assert.deepEqual(wire().sent[0].resume, { log: "l", sequence: 7, view: "student" });
  assert.equal(session.phase, "hello");
});

test("the wait never exceeds its cap", (context) => {
  const { wire, wait, connections } = client(context);
  for (let lost = 1; lost <= 30; lost += 1) {
    wire().hangsUp(1006);
    wait(7_500);
    assert.equal(connections(), lost + 1);
  }
});

test("a draining server says when to come back", (context) => {
  const { wire, wait, connections } = client(context);
  joins(wire());
  wire().says({ type: "bye", code: 4101, reason: "draining", retry_ms: 3000 });
  wire().hangsUp(4101);
  wait(2_999);
  assert.equal(connections(), 1);
  wait(1);
  assert.equal(connections(), 2);
});

for (const code of [4105, 4500, 4503, 4504, 4505, 4507, 4509, 4526]) {
  test(`${code} is final`, (context) => {
    const { wire, wait, connections, socket } = client(context);
    joins(wire());
    wire().says({ type: "bye", code, reason: "over" });
    wire().hangsUp(code);
    assert.deepEqual(socket.link, { status: "over", attempt: 0, code });
    wait(100_000);
    socket.tryNow();
    assert.equal(connections(), 1);
  });
}

test("a server that accepts and says nothing is left", (context) => {
  const { wire, wait, statuses } = client(context);
  const first = wire();
  first.accepts();
  wait(10_000);
  assert.equal(first.isClosed, true);
  assert.equal(statuses.at(-1), "reconnecting");
});

test("silence is answered with a ping, and more silence with a new connection", (context) => {
  const { wire, wait, statuses } = client(context);
  const first = wire();
  joins(first);
  wait(10_000);
  assert.equal(first.sent.at(-1).type, "ping");
  first.says({ type: "pong", head: 0, now: AT });
  wait(10_000);
  assert.equal(first.sent.filter(({ type }) => type === "ping").length, 2);
  wait(4_999);
  assert.equal(statuses.at(-1), "live");
  wait(1);
  assert.equal(statuses.at(-1), "reconnecting");
  assert.equal(first.isClosed, true);
});

test("a head that is ahead, with no events on the way, is a gap that reconnecting heals", (context) => {
  const { wire, wait, statuses } = client(context);
  joins(wire(), 3);
  wire().says({ type: "ping", head: 5, now: AT });
  wait(4_000);
  wire().says({ type: "events", from: 4, to: 4, events: [] });
  wait(4_999);
  assert.equal(statuses.at(-1), "live"); // it moved
  wait(1);
  assert.equal(statuses.at(-1), "reconnecting");
});

test("catching up with the head is no gap", (context) => {
  const { wire, wait, statuses } = client(context);
  joins(wire(), 3);
  wire().says({ type: "ping", head: 5, now: AT });
  wire().says({ type: "events", from: 4, to: 5, events: [] });
  wait(9_000);
  assert.equal(statuses.at(-1), "live");
});

test("what the server cannot do now is sent again later", (context) => {
  const { wire, wait, session, socket } = client(context);
  joins(wire());
  session.command("hand.raise");
  socket.flush();
  const { id, key } = wire().sent.at(-1);
  wire().says({ type: "nack", id, key, code: "rate_limited", message: "", retryable: true, retry_ms: 400 });
  wait(399);
  assert.equal(wire().sent.filter(({ type }) => type === "command").length, 1);
  wait(1);
  assert.deepEqual(wire().sent.at(-1), { type: "command", id: 2, key, op: "hand.raise", data: {}, expect: null });
});

test("without a network it waits for one", (context) => {
  const { wire, wait, connections, socket, statuses } = client(context);
  joins(wire());
  socket.offline();
  assert.equal(statuses.at(-1), "offline");
  wait(60_000);
  assert.equal(connections(), 1);
  socket.tryNow();
  assert.equal(connections(), 2);
});

test("a peer that speaks another language is left for good", (context) => {
  const { wire, wait, connections, socket } = client(context);
  joins(wire());
  wire().says("<html>");
  assert.equal(socket.link.code, 4501);
  wait(60_000);
  assert.equal(connections(), 1);
});

test("leaving is final", (context) => {
  const { wire, wait, connections, socket } = client(context);
  joins(wire());
  socket.close();
  assert.equal(wire().isClosed, true);
  wait(60_000);
  assert.equal(connections(), 1);
  assert.equal(socket.link.status, "over");
});
