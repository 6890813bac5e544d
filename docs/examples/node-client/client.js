// A client of the live protocol in one file, written from docs/protocol.md alone:
//
//   node client.js ws://localhost:8080/v1/sessions/SESSION/live TOKEN_FILE
//
// It prints what is said and asked in the class, and posts each line of standard input; a line
// like `/hand.raise` or `/question.ask {"prompt": "Why?"}` is any other operation. It stays for as
// long as the server's last word allows, or until its input has ended and all is answered.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [address, tokenFile] = process.argv.slice(2);
const token = () => readFileSync(tokenFile, "utf8").trim(); // anew: somebody may have renewed it
const { log: print, error: note } = console;

let state = null, position = 0; // what the events up to the position add up to …
let log, view; // … of this log, in this view
let socket, live, resyncing, bye, heard, renewal, failures = 0;

// ---------------------------------------------------------------- the state: chat, hands, questions

const said = new Set(); // a snapshot brings messages that were printed before
function say(message) {
  said.add(message.message);
  if (message.text) print(`${message.name}: ${message.text}`); // a removed one has none
}
const change = (list, kind, id, fields) =>
  Object.assign(state[list].find((each) => each[kind] === id) ?? {}, fields);
const lower = ({ user }) => (state.hands = state.hands.filter((hand) => hand.user !== user));

const fold = {
  "session.ended": () => (state.hands = []),
  "chat.posted"(data, { by, at }) {
    state.messages.push({ ...data, by, at, removed: false });
    say(data);
  },
  "chat.removed": ({ message }) => change("messages", "message", message, { removed: true, text: "" }),
  "chat.restored": ({ message, text }) => change("messages", "message", message, { removed: false, text }),
  "hand.raised"(data, { at }) {
    lower(data).push({ ...data, at });
    print(`* ${state.hands.map((hand) => hand.name).join(", ")}`);
  },
  "hand.lowered": lower,
  "hand.all_lowered": () => (state.hands = []),
  "participant.removed": lower,
  "participant.banned": lower,
  "question.asked"(data, { by, at }) {
    state.questions.push({ ...data, by, at, status: "open" });
    print(`? ${data.name}: ${data.prompt}`);
  },
  "question.answered": ({ question }) => change("questions", "question", question, { status: "answered" }),
  "question.reopened": ({ question }) => change("questions", "question", question, { status: "open" }),
};

// ---------------------------------------------------------------- commands

const pending = []; // without an answer; only the first is ever under way: so the order keeps itself
let lastId = 0, underWay = null, pause = null, inputEnded = false;

function wish(line) {
  const [, op, data] = /^\/(\S+)\s*(.*)/.exec(line) ?? [null, "chat.post", JSON.stringify({ text: line })];
  try {
    pending.push({ key: randomUUID(), op, data: JSON.parse(data || "{}") });
  } catch (error) { note(`! ${error.message}`); }
  next();
}
function next() {
  if (!live || underWay !== null || pause !== null) return;
  if (pending.length) send({ type: "command", id: (underWay = ++lastId), ...pending[0] });
  else if (inputEnded) socket.close(1000);
}
function answered(frame) {
  if (frame.id !== underWay) return;
  underWay = null;
  if (frame.retryable) pause = setTimeout(() => { pause = null; next(); }, frame.retry_ms ?? 200);
  else pending.shift();
  if (frame.type === "nack") note(`! ${frame.message} (${frame.code})`);
  next();
}

// ---------------------------------------------------------------- frames

const send = (frame) => socket.readyState === socket.OPEN && socket.send(JSON.stringify(frame));
const receive = {
  welcome(frame) {
    if (frame.recovery === "snapshot") state = null;
    ({ log, view } = frame);
    [live, failures] = [true, 0];
    note(`- ${frame.me.name} is in as ${frame.me.role}: ${frame.recovery} from ${position}`);
    renew(frame.token_expires_at);
    next();
  },
  snapshot(frame) {
    ({ sequence: position, state } = frame);
    resyncing = false;
    state.messages.filter((each) => !said.has(each.message)).forEach(say);
  },
  events(frame) {
    if (state === null) return; // a snapshot is on its way
    const isGap = frame.from > position + 1;
    if (isGap && !resyncing) send({ type: "resync", sequence: position });
    resyncing = isGap;
    if (isGap) return;
    for (const event of frame.events) {
      if (event.sequence > position) fold[event.type]?.(event.data, event);
    }
    position = Math.max(position, frame.to);
  },
  ack: answered,
  nack: answered,
  ping: () => send({ type: "pong", applied: position }),
  token: (frame) => renew(frame.expires_at),
  bye: (frame) => (bye = frame),
};
function renew(end) {
  clearTimeout(renewal); // half a minute before the end, and at least a minute from now
  const wait = Math.max(60_000, Date.parse(end) - Date.now() - 30_000);
  renewal = setTimeout(() => send({ type: "token", token: token() }), Math.min(wait, 2 ** 31 - 1));
}

function connect() {
  [live, resyncing, bye, underWay, heard] = [false, false, null, null, Date.now()];
  socket = new WebSocket(address, "liveclass.v1.json", { perMessageDeflate: false });
  const resume = state === null ? null : { log, sequence: position, view };
  socket.on("open", () => send({ type: "hello", token: token(), client: { name: "node-client" }, resume }));
  socket.on("message", (data) => {
    heard = Date.now();
    const frame = JSON.parse(data);
    receive[frame.type]?.(frame); // the other types are of no use here
  });
  socket.on("error", (error) => note(`! ${error.message}`)); // "close" follows
  socket.on("close", (code) => {
    live = false;
    clearTimeout(renewal);
    note(`- closed: ${code} ${bye?.reason ?? ""}, ${pending.length} unanswered`);
    if (code === 1000 || code >= 4500) process.exit(code === 1000 || code === 4509 ? 0 : 1);
    const wait = bye?.retry_ms ?? Math.min(5_000, 200 * 2 ** failures++) * (0.5 + Math.random() / 2);
    setTimeout(connect, wait);
  });
}
setInterval(() => {
  const silent = Date.now() - heard;
  if (silent > 15_000) socket.terminate();
  else if (silent > 10_000) send({ type: "ping" });
}, 2_500);

createInterface({ input: process.stdin }).on("line", wish).on("close", () => { inputEnded = true; next(); });
connect();
