// @ts-check
/**
 * What people write: the chat and its pinned messages, and the questions.
 *
 * @typedef {"everyone"|"staff"} For
 * @typedef {{enabled: boolean, slow_mode_s: number, staff_only: boolean,
 *   before_start: boolean}} Chat
 * @typedef {{message: string, by: string|null, name: string, at: string, text: string, to: For,
 *   reply_to: string|null, removed: boolean}} Message
 *   A removed one stays, without its text, so that replies to it have a place.
 * @typedef {{message: string, by: string|null, name: string, at: string, text: string,
 *   to: For}} Pinned
 * @typedef {{question: string, by: string|null, name: string, at: string, prompt: string,
 *   status: "open"|"answered"|"dismissed", answer: string|null}} Question
 * @typedef {import("../state.js").Change} Change
 */

import * as limits from "./limits.js";
import { fit, jsonBytes } from "./trimming.js";

/** @type {Record<string, Change>} */
export const talk = {
  "chat.posted": ({ messages }, { message, name, text, to, reply_to }, { at, by }) => ({
    messages: fitMessages([
      ...messages,
      { message, by, name, at, text, to, reply_to: reply_to ?? null, removed: false },
    ]),
  }),
  "chat.removed": ({ messages, pinned }, { message }) => ({
    messages: moderated(messages, message, { text: "", removed: true }),
    pinned: unpinned(pinned, message),
  }),
  "chat.restored": ({ messages }, { message, text }) => ({
    messages: moderated(messages, message, { text, removed: false }),
  }),
  "chat.pinned": ({ pinned }, { message, author, name, text, to, posted_at: at }) => ({
    pinned: fitPinned([
      ...unpinned(pinned, message),
      { message, by: author ?? null, name, at, text, to },
    ]),
  }),
  "chat.unpinned": ({ pinned }, { message }) => ({ pinned: unpinned(pinned, message) }),
  "chat.configured": (_state, { enabled, slow_mode_s, staff_only, before_start }) => ({
    chat: { enabled, slow_mode_s, staff_only, before_start },
  }),

  "question.asked": ({ questions }, { question, name, prompt }, { at, by }) => ({
    questions: fitQuestions([
      ...questions,
      { question, by, name, at, prompt, status: /** @type {const} */ ("open"), answer: null },
    ].slice(-limits.SNAPSHOT_QUESTIONS)),
  }),
  "question.presented": (_state, { question }) => ({ presented: question }),
  "question.answered": settles("answered"),
  "question.dismissed": settles("dismissed"),
  "question.reopened": settles("open"),

  // Counted in the counters.
  "question.upvoted": () => ({}),
  "question.unvoted": () => ({}),
};

/**
 * @param {Message[]} messages
 * @param {string} id
 * @param {{text: string, removed: boolean}} change
 */
function moderated(messages, id, change) {
  return fitMessages(messages.map((each) => (each.message === id ? { ...each, ...change } : each)));
}

/** @param {Pinned[]} pinned @param {string} id */
function unpinned(pinned, id) {
  return pinned.filter(({ message }) => message !== id);
}

/** A question takes another status, and leaves the stage. @param {Question["status"]} status @returns {Change} */
function settles(status) {
  return ({ questions, presented }, { question, text }) => {
    const answer = status === "answered" ? text ?? null : null;
    return {
      questions: fitQuestions(questions.map((each) =>
        each.question === question ? { ...each, status, answer } : each,
      )),
      presented: presented === question ? null : presented,
    };
  };
}

/** @param {Message[]} messages */
function fitMessages(messages) {
  return fit(messages, {
    budget: limits.MESSAGES_BYTES,
    weight: ({ name, text }) => limits.MESSAGE_WEIGHT + jsonBytes(name) + jsonBytes(text),
    most: limits.SNAPSHOT_MESSAGES,
  });
}

/** @param {Pinned[]} pinned */
function fitPinned(pinned) {
  return fit(pinned, {
    budget: limits.PINNED_BYTES,
    weight: ({ name, text }) => limits.PINNED_WEIGHT + jsonBytes(name) + jsonBytes(text),
  });
}

/** @param {Question[]} questions */
function fitQuestions(questions) {
  return fit(questions, {
    budget: limits.QUESTIONS_BYTES,
    weight: ({ name, prompt, answer }) =>
      limits.QUESTION_WEIGHT + jsonBytes(name) + jsonBytes(prompt) + jsonBytes(answer),
    last: ({ status }) => status === "open",
  });
}
