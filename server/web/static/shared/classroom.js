// @ts-check
/**
 * One session as a page sees it: signals that change, and `act` to change the class.
 *
 * @typedef {import("./session.js").Meaning} Meaning
 * @typedef {{user: string, name: string, role: import("./state.js").Role, grants: string[]}} Me
 * @typedef {ReturnType<typeof join>} Classroom
 */

import { absence } from "./absence.js";
import { begun, settled } from "./actions.js";
import { nobody, present } from "./people.js";
import { parts } from "./parts.js";
import { Session } from "./session.js";
import { batch, computed, signal } from "./signals.js";
import { LiveSocket } from "./socket.js";
import { emptyState } from "./state.js";

/**
 * Join a session and stay in it.
 * @param {{id: string, token: string}} options
 */
export function join({ id, token }) {
  const session = new Session({ token, newKey: () => crypto.randomUUID() });
  const state = signal(emptyState());
  const each = parts(state);
  const isReady = signal(false);
  /** Which view of the class this is; in the lobby, next to nothing. */
  const view = signal(/** @type {"staff"|"student"|"lobby"|null} */ (null));
  const me = signal(/** @type {Me|null} */ (null));
  const mine = signal(/** @type {any} */ (null));
  const presence = signal(nobody());
  const counters = signal(/** @type {any} */ ({ online: 0, hands: 0, polls: {}, questions: {} }));
  const health = signal(/** @type {any} */ ({ uplink: {}, destinations: {} }));
  const actions = signal(/** @type {import("./actions.js").Action[]} */ ([]));
  const link = signal(/** @type {import("./socket.js").Link} */ ({ status: "connecting", attempt: 0, code: null }));
  const away = absence();
  /** Server time minus ours, in milliseconds. */
  const skew = signal(0);
  /** @type {Set<(event: import("./state.js").LogEvent) => void>} */
  const listeners = new Set();

  /** @param {Meaning} meaning */
  const take = (meaning) => {
    if (meaning.kind === "happened") {
      for (const listener of listeners) listener(meaning.event);
    }
    if (meaning.kind !== "frame") return;
    const { frame } = meaning;
    if (frame.type === "welcome") skew.value = Date.parse(frame.now) - Date.now();
    if (frame.type === "mine") mine.value = session.mine;
    if (frame.type === "presence") presence.value = present(presence.value, /** @type {any} */ (frame));
    if (frame.type === "counters") counters.value = frame;
    if (frame.type === "health") health.value = frame;
  };

  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new LiveSocket({
    url: `${scheme}//${location.host}/v1/sessions/${id}/live`,
    session,
    onMeanings: (meanings) =>
      batch(() => {
        meanings.forEach(take);
        // Of another view, nothing shows before its snapshot is here.
        if (session.state !== null && session.welcome !== null) {
          const isReturn = isReady.value;
          state.value = session.state;
          view.value = session.view;
          me.value = session.welcome.me;
          isReady.value = true;
          const isCaughtUp = link.value.status === "live" && session.position >= session.head;
          if (isCaughtUp) away.end(state.value, me.value?.user, isReturn);
        }
        actions.value = settled(actions.value, meanings, session.position);
      }),
    onLink: (next) => {
      link.value = next;
      if (next.status !== "live") away.begin(state.value);
    },
  });
  addEventListener("online", () => socket.tryNow());
  addEventListener("offline", () => socket.offline());
  away.begin(state.value);
  socket.open();

  return {
    id,
    token,
    state,
    parts: each,
    /** The first snapshot is here. */
    isReady,
    view,
    me,
    mine,
    presence,
    counters,
    health,
    actions,
    link,
    away,
    skew,
    isStaff: computed(() => view.value === "staff"),
    isOver: computed(() => each.status.value === "ended" || each.status.value === "archived"),

    /** Whether one of these is on its way. @param {(action: import("./actions.js").Action) => boolean} matches */
    isPending: (matches) => actions.value.some((action) => action.refusal === null && matches(action)),

    /** Ask for a command; it shows in `actions` until its event is here. @param {string} op @param {any} [data] */
    act(op, data = {}) {
      const key = session.command(op, data);
      actions.value = begun(actions.value, key, op, data);
      socket.flush();
      return key;
    },

    /**
     * Let the class feel something that nobody keeps; lost while there is no connection.
     * @param {"typing"|"reaction"|"cursor"} kind @param {object} data
     */
    signal(kind, data) {
      session.signal(kind, data);
      socket.flush();
    },

    /** Forget a refused action. @param {string} key */
    dismiss(key) {
      actions.value = actions.value.filter((action) => action.key !== key);
    },

    /**
     * Hear of every event, once, when it is new; call what is returned to hear no more.
     * @param {(event: import("./state.js").LogEvent) => void} listener
     */
    onEvent(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    tryNow: () => socket.tryNow(),
    leave: () => socket.close(),
  };
}
