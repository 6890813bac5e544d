// @ts-check
/**
 * What a view sees of a class, and how each event changes it: the twin of protocol/snapshot.py.
 *
 * Rules: the fold is total (an unknown type or reference changes nothing), it looks at the event
 * alone, and it never changes a state that somebody may still be drawing: it returns a new one
 * that shares whatever stayed the same. protocol/vectors holds both twins to the same answers.
 *
 * @typedef {{user: string, name: string, at: string}} Hand
 * @typedef {{message: string, by: string|null, name: string, at: string, text: string,
 *   to: "everyone"|"staff", reply_to: string|null}} Message
 * @typedef {{question: string, by: string|null, name: string, at: string, prompt: string,
 *   status: "open"|"answered", answer: string|null}} Question
 * @typedef {{poll: string, prompt: string, options: string[], multiple: boolean,
 *   anonymous: boolean, results: "live"|"published", correct: number[]|null, touched: number,
 *   status: "open"|"closed"|"published", tally: number[]|null}} Poll
 * @typedef {{scene: string, name: string, layout: {items: object[]}, touched: number}} Scene
 * @typedef {{status: "enabled"|"disabled"|"failed", phase: string, code: string|null,
 *   attempt: number}} Destination
 * @typedef {{user: string, live: boolean, width: number, height: number}} Publisher
 * @typedef {{recording: string, status: "recording"|"stopped"|"finalized"|"failed"}} Recording
 * @typedef {{name: string, role: string, present: boolean}} Person
 * @typedef {{
 *   status: "scheduled"|"live"|"ended"|"archived", started_at: string|null, ended_at: string|null,
 *   people: Record<string, Person>, hands: Hand[], messages: Message[], questions: Question[],
 *   polls: Poll[], scenes: Scene[], scene: string|null,
 *   destinations: Record<string, Destination>, publisher: Publisher|null,
 *   recording: Recording|null}} State
 * @typedef {{sequence: number, type: string, version: number, at: string, by: string|null,
 *   key?: string, data: any}} LogEvent
 */

export const SNAPSHOT_MESSAGES = 200;
export const SNAPSHOT_QUESTIONS = 500;
export const SNAPSHOT_FINISHED_POLLS = 20;

// Budgets and weights in bytes, of protocol/limits.py: see protocol/trimming.py.
export const MESSAGES_BYTES = 60 * 1024;
export const QUESTIONS_BYTES = 96 * 1024;
export const POLLS_BYTES = 20 * 1024;
export const SCENES_BYTES = 12 * 1024;
export const HANDS_BYTES = 24 * 1024;
export const PEOPLE_BYTES = 36 * 1024;
export const DESTINATIONS_BYTES = 4 * 1024;
export const MESSAGE_WEIGHT = 210;
export const QUESTION_WEIGHT = 180;
export const POLL_WEIGHT = 320;
export const SCENE_WEIGHT = 110;
export const SCENE_ITEM_WEIGHT = 80;
export const HAND_WEIGHT = 90;
export const PERSON_WEIGHT = 90;
export const DESTINATION_WEIGHT = 130;

/** The state of a class in which nothing has happened yet. @returns {State} */
export function emptyState() {
  return {
    status: "scheduled",
    started_at: null,
    ended_at: null,
    people: {},
    hands: [],
    messages: [],
    questions: [],
    polls: [],
    scenes: [],
    scene: null,
    destinations: {},
    publisher: null,
    recording: null,
  };
}

/**
 * Return the state after one event of its view.
 * @param {State} state
 * @param {LogEvent} event
 * @returns {State}
 */
export function fold(state, event) {
  const change = CHANGES[event.type];
  return change === undefined ? state : { ...state, ...change(state, event.data, event) };
}

/**
 * Whether this version knows the event type at all.
 * @param {string} type
 */
export function isKnown(type) {
  return CHANGES[type] !== undefined;
}

/** @typedef {(state: State, data: any, event: LogEvent) => Partial<State>} Change */

/** For each event type, the parts of the state that it changes. @type {Record<string, Change>} */
const CHANGES = {
  // A null prototype: a type named like a method of Object is as unknown as any other.
  // @ts-ignore
  __proto__: null,

  "session.started": (_state, _data, { at }) => ({ status: "live", started_at: at }),
  "session.ended": (_state, _data, { at }) => ({ status: "ended", ended_at: at, hands: [] }),

  "participant.joined": ({ people }, { user, name, role }) => ({
    people: fitPeople({ ...people, [user]: { name, role, present: true } }),
  }),
  "participant.left": ({ people }, { user }) =>
    user in people ? { people: { ...people, [user]: { ...people[user], present: false } } } : {},
  "participant.removed": ({ people, hands }, { user }) => ({
    people: without(people, user),
    hands: lowered(hands, user),
  }),

  "hand.raised": ({ hands }, { user, name }, { at }) => ({
    hands: fitHands([...lowered(hands, user), { user, name, at }]),
  }),
  "hand.lowered": ({ hands }, { user }) => ({ hands: lowered(hands, user) }),
  "hand.all_lowered": () => ({ hands: [] }),

  "chat.posted": ({ messages }, { message, name, text, to, reply_to }, { at, by }) => ({
    messages: fitMessages([
      ...messages,
      { message, by, name, at, text, to, reply_to: reply_to ?? null },
    ].slice(-SNAPSHOT_MESSAGES)),
  }),

  "question.asked": ({ questions }, { question, name, prompt }, { at, by }) => ({
    questions: fitQuestions([
      ...questions,
      { question, by, name, at, prompt, status: /** @type {const} */ ("open"), answer: null },
    ].slice(-SNAPSHOT_QUESTIONS)),
  }),
  "question.answered": ({ questions }, { question, text }) => ({
    questions: fitQuestions(questions.map((asked) =>
      asked.question === question ? { ...asked, status: "answered", answer: text ?? null } : asked,
    )),
  }),

  "poll.opened": ({ polls }, data, { sequence }) => ({
    polls: fitPolls([
      ...polls,
      {
        poll: data.poll,
        prompt: data.prompt,
        options: data.options,
        multiple: data.multiple,
        anonymous: data.anonymous,
        results: data.results,
        correct: data.correct ?? null,
        touched: sequence,
        status: /** @type {const} */ ("open"),
        tally: null,
      },
    ]),
  }),
  "poll.closed": ({ polls }, { poll }, { sequence }) => ({
    polls: finished(polls, poll, { status: "closed", touched: sequence }),
  }),
  "poll.published": ({ polls }, { poll, tally, correct }, { sequence }) => ({
    polls: finished(polls, poll, {
      status: "published",
      touched: sequence,
      tally,
      correct: correct ?? null,
    }),
  }),

  "scene.created": ({ scenes, scene: onAir }, { scene, name, layout }, { sequence }) => ({
    scenes: fitScenes([...scenes, { scene, name, layout, touched: sequence }], onAir),
  }),
  "scene.changed": (_state, { scene }) => ({ scene }),

  "destination.enabled": ({ destinations }, { destination }) => ({
    destinations: fitDestinations({
      ...destinations,
      [destination]: { status: "enabled", phase: "enabled", code: null, attempt: 0 },
    }),
  }),
  "destination.disabled": moved({ status: "disabled" }),
  "destination.connecting": moved(),
  "destination.live": moved(),
  "destination.degraded": moved(),
  "destination.recovered": moved(),
  "destination.retry_scheduled": moved(),
  "destination.failed": moved({ status: "failed" }),
  "destination.stopped": moved(),

  "publisher.connected": (_state, { user, width, height }) => ({
    publisher: { user, live: true, width, height },
  }),
  "publisher.lost": ({ publisher }) => ({ publisher: publisher && { ...publisher, live: false } }),
  "publisher.resumed": ({ publisher }) => ({ publisher: publisher && { ...publisher, live: true } }),

  "recording.started": (_state, { recording }) => ({
    recording: { recording, status: "recording" },
  }),
  "recording.stopped": recordingBecomes("stopped"),
  "recording.finalized": recordingBecomes("finalized"),
  "recording.failed": recordingBecomes("failed"),

  // Counted in the counters, or told once and not kept.
  "poll.voted": () => ({}),
  "question.upvoted": () => ({}),
  "question.unvoted": () => ({}),
  "destination.switched": () => ({}),
  "publisher.replaced": () => ({}),
  "publisher.warning": () => ({}),
};

/**
 * @param {Hand[]} hands
 * @param {string} user
 */
function lowered(hands, user) {
  return hands.filter((hand) => hand.user !== user);
}

/**
 * @template T
 * @param {Record<string, T>} record
 * @param {string} key
 * @returns {Record<string, T>}
 */
function without(record, key) {
  const { [key]: _, ...rest } = record;
  return rest;
}

/**
 * Change one poll, then forget the oldest finished ones beyond what a snapshot keeps.
 * @param {Poll[]} polls
 * @param {string} id
 * @param {Partial<Poll>} change
 */
function finished(polls, id, change) {
  const changed = polls.map((poll) => (poll.poll === id ? { ...poll, ...change } : poll));
  const done = changed.filter((poll) => poll.status !== "open");
  const forgotten = new Set(done.slice(0, Math.max(0, done.length - SNAPSHOT_FINISHED_POLLS)));
  return fitPolls(changed.filter((poll) => !forgotten.has(poll)));
}

/**
 * A destination that is known takes the phase its event is named after.
 * @param {Partial<Destination>} change
 * @returns {Change}
 */
function moved(change = {}) {
  return ({ destinations }, { destination, code, attempt }, { type }) => {
    const known = destinations[destination];
    if (known === undefined) return {};
    const phase = type.slice("destination.".length);
    return {
      destinations: fitDestinations({
        ...destinations,
        [destination]: {
          ...known,
          ...change,
          phase,
          code: code ?? null,
          attempt: attempt ?? known.attempt,
        },
      }),
    };
  };
}

/**
 * @param {Recording["status"]} status
 * @returns {Change}
 */
function recordingBecomes(status) {
  return ({ recording: newest }, { recording }) =>
    newest?.recording === recording ? { recording: { recording, status } } : {};
}

// -------------------------------------------------------------------- trimming, in bytes

const utf8 = new TextEncoder();

/**
 * The length of a text as JSON in UTF-8, quotes included; 4 for null.
 * @param {string|null|undefined} text
 */
export function jsonBytes(text) {
  return utf8.encode(JSON.stringify(text ?? null)).length;
}

/**
 * Return the items, in their order, without those that must go to keep to the budget: the first
 * ones go first, those of which `last` is true only when no other is left.
 * @template T
 * @param {T[]} items
 * @param {number} budget
 * @param {(item: T) => number} weight
 * @param {(item: T) => boolean} [last]
 * @returns {T[]}
 */
function fit(items, budget, weight, last = () => false) {
  let excess = items.reduce((sum, item) => sum + weight(item), 0) - budget;
  if (excess <= 0) return items;
  const gone = new Set();
  for (const item of [...items].sort((a, b) => Number(last(a)) - Number(last(b)))) {
    gone.add(item);
    excess -= weight(item);
    if (excess <= 0) break;
  }
  return items.filter((item) => !gone.has(item));
}

/**
 * Return what fit() keeps of the values, in the order in which their keys were added.
 * @template T
 * @param {Record<string, T>} record
 * @param {number} budget
 * @param {(item: T) => number} weight
 * @param {(item: T) => boolean} last
 * @returns {Record<string, T>}
 */
function fitValues(record, budget, weight, last) {
  const kept = new Set(fit(Object.values(record), budget, weight, last));
  return Object.fromEntries(Object.entries(record).filter(([, item]) => kept.has(item)));
}

/** @param {Message[]} messages */
function fitMessages(messages) {
  return fit(messages, MESSAGES_BYTES, ({ name, text }) =>
    MESSAGE_WEIGHT + jsonBytes(name) + jsonBytes(text));
}

/** @param {Question[]} questions */
function fitQuestions(questions) {
  return fit(questions, QUESTIONS_BYTES, ({ name, prompt, answer }) =>
    QUESTION_WEIGHT + jsonBytes(name) + jsonBytes(prompt) + jsonBytes(answer),
    ({ status }) => status === "open");
}

/** @param {Poll[]} polls */
function fitPolls(polls) {
  return fit(polls, POLLS_BYTES, ({ prompt, options }) =>
    options.reduce((sum, option) => sum + jsonBytes(option) + 1, POLL_WEIGHT + jsonBytes(prompt)),
    ({ status }) => status === "open");
}

/**
 * @param {Scene[]} scenes
 * @param {string|null} onAir
 */
function fitScenes(scenes, onAir) {
  return fit(scenes, SCENES_BYTES, ({ name, layout }) =>
    layout.items.reduce(
      (sum, /** @type {any} */ { text }) => sum + SCENE_ITEM_WEIGHT + jsonBytes(text),
      SCENE_WEIGHT + jsonBytes(name),
    ), ({ scene }) => scene === onAir);
}

/** The newest hands go first: who waits longest keeps their place. @param {Hand[]} hands */
function fitHands(hands) {
  return fit([...hands].reverse(), HANDS_BYTES, ({ name }) =>
    HAND_WEIGHT + jsonBytes(name)).reverse();
}

/** @param {Record<string, Person>} people */
function fitPeople(people) {
  return fitValues(people, PEOPLE_BYTES, ({ name }) =>
    PERSON_WEIGHT + jsonBytes(name), ({ present }) => present);
}

/** @param {Record<string, Destination>} destinations */
function fitDestinations(destinations) {
  return fitValues(destinations, DESTINATIONS_BYTES, ({ code }) =>
    DESTINATION_WEIGHT + jsonBytes(code), ({ status }) => status === "enabled");
}
