// @ts-check
/**
 * What a view sees of a class, and how each event changes it: the twin of protocol/snapshot.py.
 *
 * Rules: the fold is total (an unknown type or reference changes nothing), it looks at the event
 * alone, and it never changes a state that somebody may still be drawing: it returns a new one
 * that shares whatever stayed the same. protocol/vectors holds both twins to the same answers.
 * The parts of the state are in state/, as those of the other twin are in protocol/state.
 *
 * @typedef {import("./state/people.js").Role} Role
 * @typedef {import("./state/people.js").Person} Person
 * @typedef {import("./state/people.js").Hand} Hand
 * @typedef {import("./state/talk.js").Chat} Chat
 * @typedef {import("./state/talk.js").Message} Message
 * @typedef {import("./state/talk.js").Pinned} Pinned
 * @typedef {import("./state/talk.js").Question} Question
 * @typedef {import("./state/polls.js").Poll} Poll
 * @typedef {import("./state/stage.js").Scene} Scene
 * @typedef {import("./state/stage.js").Asset} Asset
 * @typedef {import("./state/stage.js").Shown} Shown
 * @typedef {import("./state/stage.js").Drawn} Drawn
 * @typedef {import("./state/stage.js").Publisher} Publisher
 * @typedef {import("./state/output.js").Destination} Destination
 * @typedef {import("./state/output.js").Recording} Recording
 * @typedef {import("./state/output.js").Caption} Caption
 * @typedef {import("./state/output.js").Artifact} Artifact
 * @typedef {import("./state/output.js").Replay} Replay
 * @typedef {{
 *   status: "scheduled"|"live"|"ended"|"archived", started_at: string|null, ended_at: string|null,
 *   title: string|null, teacher: string|null, locked: boolean,
 *   people: Record<string, Person>, hands: Hand[],
 *   chat: Chat, messages: Message[], pinned: Pinned[],
 *   questions: Question[], presented: string|null, polls: Poll[],
 *   scenes: Scene[], scene: string|null, assets: Asset[], shown: Shown|null, strokes: Drawn[],
 *   feedback: Record<string, number>, captions: Caption[],
 *   destinations: Record<string, Destination>, publisher: Publisher|null,
 *   recording: Recording|null, artifacts: Artifact[], replay: Replay|null}} State
 *   `title` and `teacher` are what the lobby sees, and nobody else: they are in no event.
 *   `strokes` are of all boards; a page draws those of the shown asset's page.
 * @typedef {{sequence: number, type: string, version: number, at: string, by: string|null,
 *   key?: string, data: any}} LogEvent
 * @typedef {(state: State, data: any, event: LogEvent) => Partial<State>} Change
 */

import { output } from "./state/output.js";
import { people } from "./state/people.js";
import { polls } from "./state/polls.js";
import { stage } from "./state/stage.js";
import { talk } from "./state/talk.js";

/** @type {Record<string, Change>} */
const session = {
  "session.started": (_state, _data, { at }) => ({ status: "live", started_at: at }),
  "session.archived": () => ({ status: "archived" }),
  "session.ended": (_state, _data, { at }) => ({ status: "ended", ended_at: at, hands: [] }),
  "session.locked": () => ({ locked: true }),
  "session.unlocked": () => ({ locked: false }),
  "feedback.marked": ({ feedback }, { kind }) => ({
    feedback: { ...feedback, [kind]: (Object.hasOwn(feedback, kind) ? feedback[kind] : 0) + 1 },
  }),
};

/** For each event type, the parts of the state that it changes. */
const CHANGES = new Map(
  Object.entries({ ...session, ...people, ...talk, ...polls, ...stage, ...output }),
);

/** The state of a class in which nothing has happened yet. @returns {State} */
export function emptyState() {
  return {
    status: "scheduled",
    started_at: null,
    ended_at: null,
    title: null,
    teacher: null,
    locked: false,
    people: {},
    hands: [],
    chat: { enabled: true, slow_mode_s: 0, staff_only: false, before_start: false },
    messages: [],
    pinned: [],
    questions: [],
    presented: null,
    polls: [],
    scenes: [],
    scene: null,
    assets: [],
    shown: null,
    strokes: [],
    feedback: {},
    captions: [],
    destinations: {},
    publisher: null,
    recording: null,
    artifacts: [],
    replay: null,
  };
}

/**
 * Return the state after one event of its view.
 * @param {State} state
 * @param {LogEvent} event
 * @returns {State}
 */
export function fold(state, event) {
  const change = CHANGES.get(event.type);
  return change === undefined ? state : { ...state, ...change(state, event.data, event) };
}

/** Whether this version knows the event type at all. @param {string} type */
export function isKnown(type) {
  return CHANGES.has(type);
}
