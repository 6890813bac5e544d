// @ts-check
/** A track as something that a canvas can draw. */

export function player() {
  const video = document.createElement("video");
  video.muted = video.playsInline = true;
  return {
    /** @param {MediaStreamTrack|null} track */
    play(track) {
      video.srcObject = track && new MediaStream([track]);
      // Refused only when something else is to be played before this begins.
      if (track) video.play().catch(() => undefined);
    },
    /** The newest picture, or null: there is none yet. */
    picture: () => (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? video : null),
  };
}
