// @ts-check
/**
 * One's own commands on their way: pending until their event arrives, or refused in words.
 *
 * @typedef {import("./session.js").Meaning} Meaning
 * @typedef {{key: string, op: string, data: any, until: number|null, refusal: string|null}} Action
 *   `until`: committed, its event is on the way. `refusal`: why the server said no.
 */

/**
 * @param {Action[]} actions
 * @param {string} key
 * @param {string} op
 * @param {any} data
 * @returns {Action[]}
 */
export function begun(actions, key, op, data) {
  return [...actions, { key, op, data, until: null, refusal: null }];
}

/**
 * Return what is still pending or refused after these meanings; the same list if that is all of it,
 * because whatever shows it is drawn anew with another one.
 * @param {Action[]} actions
 * @param {Meaning[]} meanings
 * @param {number} position The session's position after them.
 * @returns {Action[]}
 */
export function settled(actions, meanings, position) {
  if (actions.length === 0) return actions;
  /** @type {Map<string, any>} */
  const answers = new Map();
  for (const meaning of meanings) {
    if (meaning.kind === "answered") answers.set(meaning.key, meaning.answer);
  }
  const left = actions.flatMap((action) => {
    const answer = answers.get(action.key);
    if (answer === undefined) return [action];
    if (answer.type === "nack") return [{ ...action, refusal: answer.message }];
    return answer.sequence === null ? [] : [{ ...action, until: answer.sequence[1] }];
  });
  return left.filter(({ until }) => until === null || until > position);
}
