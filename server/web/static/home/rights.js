// @ts-check
/**
 * What somebody may do, so that no button is shown that the server would refuse; it has the word.
 *
 * @typedef {{role: string, scope: "tenant"|"course"|"session", scope_id: string|null}} MyRole
 * @typedef {{user: string, name: string, tenant: string, tenant_name: string, role: string, roles: MyRole[], expires_at: string}} Me
 */

const RANK = ["student", "assistant", "teacher", "admin"];

/** @param {string} role @param {string} least */
const atLeast = (role, least) => RANK.indexOf(role) >= RANK.indexOf(least);

/** Whether they teach or assist somewhere. @param {Me} me */
export const isStaff = (me) => atLeast(me.role, "assistant");

/** Whether they manage the school itself: its people, settings and webhooks. @param {Me} me */
export const administers = (me) => me.roles.some(({ role, scope }) => scope === "tenant" && role === "admin");

/** Whether they see what is of the whole school. @param {Me} me */
export const looksAtAll = (me) => me.roles.some(({ role, scope }) => scope === "tenant" && atLeast(role, "assistant"));

/** Whether they make courses, destinations, and classes of no course. @param {Me} me */
export const managesAll = (me) => me.roles.some(({ role, scope }) => scope === "tenant" && atLeast(role, "teacher"));

/** Whether they change a course, its lessons and classes. @param {Me} me @param {string|null} course */
export const manages = (me, course) =>
  managesAll(me) || me.roles.some((each) => each.scope === "course" && each.scope_id === course && atLeast(each.role, "teacher"));

/** Whether they start, change and publish a class. @param {Me} me @param {string} session @param {string|null} course */
export const teaches = (me, session, course) =>
  manages(me, course) || me.roles.some((each) => each.scope === "session" && each.scope_id === session && atLeast(each.role, "teacher"));
