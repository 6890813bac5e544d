// @ts-check
/**
 * The camera and microphone of this studio, and whether they are sent.
 *
 * They are sent while they are on and the class is live or rehearsing; a newer studio that takes
 * over is not fought. While they are off, what another source sends (OBS, a colleague's studio) is
 * watched instead.
 *
 * @typedef {ReturnType<typeof broadcast>} Broadcast
 */

import { devices, listen, open, remembered } from "../shared/devices.js";
import { computed, effect, signal } from "../shared/signals.js";
import { watcher } from "../shared/whep.js";
import { publisher } from "../shared/whip.js";

/** A "replaced" while our offer is on its way, or this soon after, speaks of whom we replaced. */
const OWN_MS = 2_000;

/** @param {import("../shared/classroom.js").Classroom} classroom */
export function broadcast(classroom) {
  const stream = signal(/** @type {MediaStream|null} */ (null));
  const problem = signal(/** @type {string|null} */ (null));
  const isOpening = signal(false);
  const level = signal(0);
  const found = signal(/** @type {{cameras: MediaDeviceInfo[], microphones: MediaDeviceInfo[]}} */ ({ cameras: [], microphones: [] }));
  const chosen = signal(remembered());
  const isMuted = signal(false);
  const isHidden = signal(false);
  const isRehearsing = signal(false);
  const isReplaced = signal(false);
  const peer = signal(/** @type {import("../shared/peer.js").PeerState} */ ({ status: "idle", attempt: 0, message: "" }));

  const sending = publisher({
    session: classroom.id,
    token: classroom.token,
    stream: () => /** @type {MediaStream} */ (stream.value),
    onState: (state) => (peer.value = state),
  });

  const isOn = computed(() => stream.value !== null);
  const isWanted = computed(() => {
    const { status } = classroom.state.value;
    return isOn.value && !isReplaced.value && (status === "live" || (status === "scheduled" && isRehearsing.value));
  });
  effect(() => (isWanted.value ? sending.start() : sending.stop()));

  const elsewhere = new MediaStream();
  const watched = signal(/** @type {import("../shared/peer.js").PeerState} */ ({ status: "idle", attempt: 0, message: "" }));
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
  /** What the stage shows: this studio's camera, or what is sent from elsewhere. */
  const picture = computed(() => stream.value ?? (watched.value.status === "live" ? elsewhere : null));

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

  let stopListening = () => {};
  const wasOn = `liveclass.camera.${classroom.id}`;
  const apply = () => {
    for (const track of stream.value?.getAudioTracks() ?? []) track.enabled = !isMuted.value;
    for (const track of stream.value?.getVideoTracks() ?? []) track.enabled = !isHidden.value;
  };

  /** Open what is chosen; while sending, the new tracks take the old ones' places. */
  const turnOn = async () => {
    isOpening.value = true;
    problem.value = null;
    try {
      const old = stream.value;
      const fresh = await open(chosen.value);
      for (const sender of sending.senders) {
        const track = fresh.getTracks().find(({ kind }) => kind === sender.track?.kind);
        if (track) await sender.replaceTrack(track);
      }
      for (const track of old?.getTracks() ?? []) track.stop();
      if (old !== null) stopListening();
      stopListening = listen(fresh, (loudness) => (level.value = isMuted.value ? 0 : loudness));
      stream.value = fresh;
      sessionStorage.setItem(wasOn, "1");
      apply();
      found.value = await devices();
    } catch (error) {
      problem.value = /** @type {DOMException} */ (error).name;
    } finally {
      isOpening.value = false;
    }
  };
  const turnOff = () => {
    if (stream.value === null) return;
    stopListening();
    for (const track of stream.value.getTracks()) track.stop();
    stream.value = null;
    sessionStorage.removeItem(wasOn);
  };
  effect(() => {
    if (classroom.state.value.status === "ended") turnOff(); // nobody should wonder who still sees them
  });
  // A page that was reloaded in mid-class goes on sending without being asked.
  if (sessionStorage.getItem(wasOn)) void turnOn();
  navigator.mediaDevices?.addEventListener("devicechange", async () => {
    if (isOn.value) found.value = await devices();
  });

  return {
    stream, picture, isElsewhere, problem, isOpening, isOn, level, found, chosen, isMuted, isHidden, isRehearsing, isReplaced, peer,
    turnOn, turnOff,
    /** @param {Partial<import("../shared/devices.js").Choice>} change */
    choose(change) {
      chosen.value = { ...chosen.value, ...change };
      return turnOn();
    },
    mute() {
      isMuted.value = !isMuted.value;
      apply();
    },
    hide() {
      isHidden.value = !isHidden.value;
      apply();
    },
    takeBack() {
      isReplaced.value = false;
    },
  };
}
