// @ts-check
/** Play HLS in a video element: by the browser itself, else by hls.js, which is loaded then. */

const TYPE = "application/vnd.apple.mpegurl";

/**
 * @param {HTMLVideoElement} video @param {string} url
 * @param {(message: string) => void} onBroken the player has given up
 * @returns {Promise<() => void>} what ends it
 */
export async function play(video, url, onBroken) {
  if (video.canPlayType(TYPE) !== "") {
    const broken = () => onBroken(video.error?.message ?? "");
    video.addEventListener("error", broken);
    video.src = url;
    return () => {
      video.removeEventListener("error", broken);
      video.removeAttribute("src");
      video.load();
    };
  }
  const { default: Hls } = await import("../vendor/hls.js");
  if (!Hls.isSupported()) {
    onBroken("");
    return () => undefined;
  }
  // A worker would be made from a blob, which the content policy does not allow.
  const hls = new Hls({ enableWorker: false, liveDurationInfinity: true, liveSyncDuration: 5 });
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => void (fatal && onBroken(details)));
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}
