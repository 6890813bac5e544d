// @ts-check
/**
 * Who is here, from presence frames: full, or differences to the revision before.
 *
 * @typedef {{user: string, name: string, role: import("./state.js").Role, status: "online"|"dropped",
 *   connections: number}} Here
 * @typedef {{count: number, people: Map<string, Here>}} Presence
 */

/** @returns {Presence} */
export function nobody() {
  return { count: 0, people: new Map() };
}

/**
 * @param {Presence} presence
 * @param {{count: number, full?: Here[], joined?: Here[], left?: string[], changed?: Here[]}} frame
 * @returns {Presence}
 */
export function present(presence, { count, full, joined = [], left = [], changed = [] }) {
  const people = new Map(full ? [] : presence.people);
  for (const user of left) people.delete(user);
  for (const person of [...(full ?? []), ...joined, ...changed]) people.set(person.user, person);
  return { count, people };
}
