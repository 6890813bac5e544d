// @ts-check
// The twins agree: session.js and state.js give the answers that the Python types gave.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { MalformedFrameError, Session } from "../../server/web/static/shared/session.js";
import { emptyState, fold } from "../../server/web/static/shared/state.js";

/** @param {string} name */
function vectors(name) {
  const url = new URL(`../../protocol/vectors/${name}`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf-8"));
}

/** @param {any} value @returns {any} */
function frozen(value) {
  if (value !== null && typeof value === "object") Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

for (const { name, before, events, after } of vectors("fold.json")) {
  test(`fold: ${name}`, () => {
    assert.deepEqual(events.reduce(fold, frozen(before)), after);
  });
}

for (const { name, templates, count, list, length, first, last } of vectors("trim.json")) {
  test(`trim: ${name}`, () => {
    /** @type {any} */
    let state = emptyState();
    let sequence = 0;
    for (let round = 1; round <= count; round += 1) {
      const number = String(round).padStart(12, "0");
      for (const event of JSON.parse(JSON.stringify(templates).replaceAll("{n}", number))) {
        sequence += 1;
        state = fold(state, { ...event, sequence });
      }
    }
    const left = Array.isArray(state[list]) ? state[list] : Object.entries(state[list]);
    assert.equal(left.length, length);
    assert.deepEqual(left[0], first);
    assert.deepEqual(left.at(-1), last);
  });
}

for (const { name, steps } of vectors("client.json")) {
  test(`client: ${name}`, () => {
    let keys = 0;
    const session = new Session({
      token: "t1",
      newKey: () => `k${(keys += 1)}`,
      info: { name: "test", version: "1" },
    });
    steps.forEach((/** @type {any} */ step, /** @type {number} */ index) => {
      const at = `step ${index}: ${step.do} ${step.frame?.type ?? ""}`;
      assert.deepEqual(perform(session, step), step.receives, `${at}, receives`);
      assert.deepEqual(session.dataToSend().map((text) => JSON.parse(text)), step.sends, `${at}, sends`);
      assert.deepEqual(
        {
          phase: session.phase,
          position: session.position,
          head: session.head,
          view: session.view,
          gaps: session.gaps,
          mine: session.mine && session.mine.sequence,
          unanswered: session.unanswered,
          may_reconnect: session.mayReconnect,
        },
        step.then,
        `${at}, then`,
      );
      if ("state" in step) assert.deepEqual(session.state, step.state, `${at}, state`);
    });
  });
}

/** @param {Session} session @param {any} step */
function perform(session, step) {
  switch (step.do) {
    case "hello":
      return session.hello();
    case "command":
      return void session.command(step.op, step.data, { expect: step.expect });
    case "disconnected":
      return session.disconnected();
    case "resend":
      return session.resend();
    case "ping":
      return session.ping();
    case "renew":
      return session.renew(step.token);
    case "receive":
      return received(session, step.text ?? JSON.stringify(step.frame));
    default:
      throw new Error(`no such step: ${step.do}`);
  }
}

/** @param {Session} session @param {string} text */
function received(session, text) {
  try {
    return session.receive(text).map((meaning) => {
      switch (meaning.kind) {
        case "happened":
          return { happened: meaning.event.sequence, known: meaning.known };
        case "answered":
          return { answered: meaning.key, type: meaning.answer.type };
        case "retry":
          return { retry: meaning.milliseconds };
        default:
          return { frame: meaning.frame.type };
      }
    });
  } catch (error) {
    if (error instanceof MalformedFrameError) return "malformed";
    throw error;
  }
}
