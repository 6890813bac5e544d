// @ts-check
/**
 * Who is in the class (staff view: it is attendance), and whose hands are up.
 *
 * @typedef {"admitted"|"waiting"|"denied"|"removed"|"banned"} Standing
 * @typedef {"teacher"|"assistant"|"student"|"admin"} Role
 * @typedef {{name: string, role: Role, status: Standing, present: boolean,
 *   muted_until: string|null, grants: Record<string, boolean>}} Person
 * @typedef {{user: string, name: string, at: string}} Hand
 * @typedef {import("../state.js").Change} Change
 */

import * as limits from "./limits.js";
import { fit, fitValues, jsonBytes } from "./trimming.js";

/** The end of a mute that has none. */
const FOREVER = "9999-12-31T23:59:59.999Z";

/** @type {Record<string, Change>} */
export const people = {
  "participant.joined": comes("admitted"),
  "participant.waiting": comes("waiting"),
  "participant.left": becomes(() => ({ present: false })),
  "participant.admitted": becomes(() => ({ status: "admitted", present: false })),
  "participant.unbanned": becomes(() => ({ status: "admitted", present: false })),
  "participant.denied": becomes(() => ({ status: "denied", present: false })),
  "participant.removed": goes("removed"),
  "participant.banned": goes("banned"),
  "participant.muted": becomes(({ until }) => ({ muted_until: until || FOREVER })),
  "participant.unmuted": becomes(() => ({ muted_until: null })),
  "participant.role_changed": becomes(({ role }) => ({ role })),
  "participant.grants_changed": becomes(({ grants }) => ({ grants })),

  "hand.raised": ({ hands }, { user, name }, { at }) => ({
    hands: fitHands([...lowered(hands, user), { user, name, at }]),
  }),
  "hand.lowered": ({ hands }, { user }) => ({ hands: lowered(hands, user) }),
  "hand.all_lowered": () => ({ hands: [] }),
};

/** Somebody is here, for the first time or again. @param {Standing} status @returns {Change} */
function comes(status) {
  return ({ people: all }, { user, name, role }) => {
    const known = Object.hasOwn(all, user) ? all[user] : { muted_until: null, grants: {} };
    return { people: fitPeople({ ...all, [user]: { ...known, name, role, status, present: true } }) };
  };
}

/** Somebody who is known changes. @param {(data: any) => Partial<Person>} change @returns {Change} */
function becomes(change) {
  return ({ people: all }, data) =>
    Object.hasOwn(all, data.user)
      ? { people: fitPeople({ ...all, [data.user]: { ...all[data.user], ...change(data) } }) }
      : {};
}

/** Somebody is out, and so is their hand. @param {Standing} status @returns {Change} */
function goes(status) {
  const change = becomes(() => ({ status, present: false }));
  return (state, data, event) => ({
    ...change(state, data, event),
    hands: lowered(state.hands, data.user),
  });
}

/** @param {Hand[]} hands @param {string} user */
function lowered(hands, user) {
  return hands.filter((hand) => hand.user !== user);
}

/** The newest hands go first: who waits longest keeps their place. @param {Hand[]} hands */
function fitHands(hands) {
  return fit([...hands].reverse(), {
    budget: limits.HANDS_BYTES,
    weight: ({ name }) => limits.HAND_WEIGHT + jsonBytes(name),
  }).reverse();
}

/** @param {Record<string, Person>} all */
function fitPeople(all) {
  return fitValues(all, {
    budget: limits.PEOPLE_BYTES,
    weight: ({ name, grants }) =>
      Object.keys(grants).reduce(
        (sum, op) => sum + limits.GRANT_WEIGHT + [...op].length,
        limits.PERSON_WEIGHT + jsonBytes(name),
      ),
    last: ({ present }) => present,
  });
}
