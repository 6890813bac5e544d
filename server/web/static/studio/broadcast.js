// @ts-check
/**
 * The programme of this studio, and whether it is sent.
 *
 * It is sent while camera and microphone are on and the class is live or rehearsing; a newer studio
 * that takes over is not fought. While they are off, what another source sends (OBS, a colleague's
 * studio) is watched instead.
 *
 * @typedef {ReturnType<typeof broadcast>} Broadcast
 */

import { itemsOnAir } from "../shared/scene.js";
import { computed, effect, signal } from "../shared/signals.js";
import { watcher } from "../shared/whep.js";
import { publisher, sendInstead } from "../shared/whip.js";
import { capture } from "./capture.js";
import { composer } from "./composer/composer.js";
import { mixer } from "./composer/mixer.js";
import { pageShown } from "./composer/page.js";

/** A "replaced" while our offer is on its way, or this soon after, speaks of whom we replaced. */
const OWN_MS = 2_000;
/** @type {import("../shared/peer.js").PeerState} */
const IDLE = { status: "idle", attempt: 0, message: "" };

/**
 * @param {import("../shared/classroom.js").Classroom} classroom
 * @param {{pictures: import("../shared/pictures.js").Pictures, title: () => string}} options
 */
export function broadcast(classroom, { pictures, title }) {
  const captured = capture({ session: classroom.id });
  const { isOn, camera, microphone, screen, isHidden } = captured;
  const programme = composed(classroom, { captured, pictures, title });
  const sound = mixer();
  effect(() => sound.take({ microphone: microphone.value, screen: screen.value?.getAudioTracks()[0] ?? null }));
  effect(() => programme.take({ camera: isHidden.value ? null : camera.value }));
  effect(() => programme.take({ screen: screen.value?.getVideoTracks()[0] ?? null }));
  effect(() => (isOn.value ? programme.start() : programme.stop()));

  const isRehearsing = signal(false);
  const isReplaced = signal(false);
  const peer = signal(IDLE);
  const tracks = () => [sound.track.value, programme.track.value].filter((track) => track !== null);
  const sending = publisher({
    session: classroom.id,
    token: classroom.token,
    stream: () => new MediaStream(tracks()),
    onState: (state) => {
      peer.value = state;
      if (state.status === "live") void sendInstead(sending, tracks()); // what has changed on the way
    },
  });
  const isWanted = computed(() => {
    const { status } = classroom.state.value;
    return isOn.value && !isReplaced.value && (status === "live" || (status === "scheduled" && isRehearsing.value));
  });
  effect(() => (isWanted.value ? sending.start() : sending.stop()));
  effect(() => {
    const now = tracks();
    if (isWanted.peek()) void sendInstead(sending, now);
  });

  const elsewhere = new MediaStream();
  const watched = signal(IDLE);
  const isElsewhere = computed(() => {
    const { status, publisher: source } = classroom.state.value;
    return !isOn.value && source?.live === true && (status === "live" || status === "scheduled");
  });
  const watching = watcher({
    session: classroom.id,
    token: classroom.token,
    stream: elsewhere,
    isOnAir: () => isElsewhere.value,
    wantsPicture: () => true,
    onState: (state) => (watched.value = state),
  });
  effect(() => (isElsewhere.value ? watching.start() : watching.stop()));
  const ours = computed(() => programme.track.value && new MediaStream([programme.track.value]));
  /** What the stage shows: this studio's programme, or what is sent from elsewhere. */
  const picture = computed(() => ours.value ?? (watched.value.status === "live" ? elsewhere : null));

  addEventListener("pagehide", () => (sending.stop(), watching.stop()));

  classroom.onEvent(({ type, data }) => {
    const isOurs = sending.state.status !== "live" || Date.now() - sending.answeredAt < OWN_MS;
    if (type === "publisher.replaced" && data.user === classroom.me.value?.user && !isOurs && isWanted.value) {
      isReplaced.value = true;
    }
    if (type === "publisher.lost" && data.reason === "restarted") void carriedElsewhere(data.user);
  });
  /** What carried the class is gone, with our connection to it, unless we have connected since. @param {string} user */
  const carriedElsewhere = async (user) => {
    await Promise.resolve(); // what was told together with it
    if (classroom.state.value.publisher?.live !== false) return;
    if (user === classroom.me.value?.user && Date.now() - sending.answeredAt > OWN_MS) sending.renew();
    watching.renew();
  };
  effect(() => {
    if (classroom.state.value.status === "ended") captured.turnOff(); // nobody should wonder who still sees them
  });

  return {
    ...captured, programme, picture, isElsewhere, isRehearsing, isReplaced, peer,
    takeBack: () => void (isReplaced.value = false),
  };
}

/**
 * The picture of the scene on air.
 * @param {import("../shared/classroom.js").Classroom} classroom
 * @param {{captured: import("./capture.js").Capture, title: () => string,
 *   pictures: import("../shared/pictures.js").Pictures}} options
 */
function composed(classroom, { pictures, title }) {
  const programme = composer();
  // As text, so that only what looks different is told.
  const items = computed(() => JSON.stringify(itemsOnAir(classroom.state.value)));
  effect(() => programme.take({ items: JSON.parse(items.value) }));
  effect(() => programme.take({ card: { title: title(), name: classroom.me.value?.name ?? "" } }));
  pageShown({ classroom, pictures, onPage: (page) => programme.take({ page }) });
  return programme;
}
