// @ts-check
// A connection that the class knows to be gone is made anew before anything here notices.
import assert from "node:assert/strict";
import test from "node:test";

import { Peer } from "../../server/web/static/shared/peer.js";

/** The browser's end of one connection. */
class FakeConnection extends EventTarget {
  /** @type {FakeConnection[]} */
  static all = [];
  iceGatheringState = "complete";
  connectionState = "new";
  localDescription = { sdp: "offer" };

  constructor() {
    super();
    FakeConnection.all.push(this);
  }

  getConfiguration() {
    return {};
  }
  setConfiguration() {}
  async setLocalDescription() {}
  async setRemoteDescription() {
    this.connectionState = "connected";
    this.dispatchEvent(new Event("connectionstatechange"));
  }
  async getStats() {
    return new Map();
  }
  close() {
    this.connectionState = "closed";
  }
}

test("it connects anew when told, and leaves what it had", async (context) => {
  /** @type {string[]} */
  const calls = [];
  const restore = { fetch: globalThis.fetch, connection: globalThis.RTCPeerConnection };
  context.after(() => Object.assign(globalThis, { fetch: restore.fetch, RTCPeerConnection: restore.connection }));
  /** @type {any} */ (globalThis).RTCPeerConnection = FakeConnection;
  /** @type {any} */ (globalThis).fetch = async (/** @type {string} */ url, /** @type {any} */ { method = "GET" }) => {
    calls.push(`${method} ${url}`);
    if (method !== "POST") return { ok: true, json: async () => ({ ice_servers: [], expires_at: null }) };
    const location = `/resources/${FakeConnection.all.length}`;
    return { status: 201, url: "http://here/whip", headers: new Headers({ location }), text: async () => "answer" };
  };
  /** @type {(status: string) => void} */
  let hear = () => {};
  const until = (/** @type {string} */ wanted) => new Promise((done) => (hear = (status) => status === wanted && done(null)));
  const peer = new Peer({ url: "/whip", token: "t", prepare: () => {}, onState: ({ status }) => hear(status) });
  peer.renew(); // nothing to renew yet
  let live = until("live");
  peer.start();
  await live;
  live = until("live");
  peer.renew();
  await live;
  assert.equal(FakeConnection.all.length, 2);
  assert.equal(FakeConnection.all[0].connectionState, "closed");
  assert.deepEqual(calls.filter((call) => !call.endsWith("ice-servers")), [
    "POST /whip",
    "DELETE http://here/resources/1",
    "POST /whip",
  ]);
  peer.stop();
});
