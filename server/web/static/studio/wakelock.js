// @ts-check
/** Keep the screen on while the class is live: a desk that sleeps takes the camera with it. */

import { effect } from "../shared/signals.js";

/** @param {() => boolean} isWanted what it reads, it follows */
export function keepAwake(isWanted) {
  if (!("wakeLock" in navigator)) return;
  /** @type {WakeLockSentinel|null} */
  let lock = null;
  const look = async () => {
    if (!isWanted()) {
      await lock?.release();
      lock = null;
    } else if (document.visibilityState === "visible" && (lock === null || lock.released)) {
      try {
        lock = await navigator.wakeLock.request("screen");
      } catch {
        // A battery that is nearly empty wins; the class goes on.
      }
    }
  };
  effect(() => void (isWanted(), look()));
  document.addEventListener("visibilitychange", look); // a hidden page has lost it
}
