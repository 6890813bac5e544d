// @ts-check
/** Compose in a worker: tracks are taken apart into frames here, and put together again. */

/** Newer browsers' names, which the types do not know. @type {any} */
const { MediaStreamTrackProcessor, MediaStreamTrackGenerator, trustedTypes } = globalThis;

/** The one script that this page starts. */
const SCRIPT = new URL("./worker.js", import.meta.url).href;

/**
 * @param {{onTrack: (track: MediaStreamTrack|null) => void, onFailed: () => void}} options
 * @returns {import("./composer.js").Engine|null} null: this browser cannot
 */
export function inWorker({ onTrack, onFailed }) {
  if (!MediaStreamTrackProcessor || !MediaStreamTrackGenerator || typeof OffscreenCanvas === "undefined") return null;
  const worker = new Worker(trusted(SCRIPT), { type: "module", name: "composer" });
  const track = new MediaStreamTrackGenerator({ kind: "video" });
  /** @param {import("./worker.js").Message} message @param {any[]} moved */
  const send = (message, moved) => worker.postMessage(message, moved);
  worker.onerror = (event) => {
    event.preventDefault();
    onFailed();
  };
  send({ start: track.writable }, [track.writable]);
  onTrack(track);
  return {
    take({ items, card, page, ...tracks }) {
      /** @type {import("./worker.js").Message} */
      const message = { ...(items && { items }), ...(card && { card }) };
      const moved = [];
      if (page !== undefined) {
        message.slide = page && picture(page.canvas);
        message.isBoard = page?.isBoard ?? false;
        if (message.slide) moved.push(message.slide);
      }
      for (const name of /** @type {("camera"|"screen")[]} */ (["camera", "screen"])) {
        const source = tracks[name];
        if (source === undefined) continue;
        message[name] = source && new MediaStreamTrackProcessor({ track: source, maxBufferSize: 1 }).readable;
        if (message[name]) moved.push(message[name]);
      }
      send(message, moved);
    },
    stop() {
      worker.terminate();
      track.stop();
    },
  };
}

/** A copy that can be sent away. @param {OffscreenCanvas} canvas */
function picture(canvas) {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  copy.getContext("2d")?.drawImage(canvas, 0, 0);
  return copy.transferToImageBitmap();
}

/** Where the page's policy wants scripts to be vouched for. @param {string} address */
function trusted(address) {
  policy ??= trustedTypes?.createPolicy("composer", { createScriptURL: (/** @type {string} */ url) => (url === SCRIPT ? url : "") });
  return policy ? policy.createScriptURL(address) : address;
}
/** @type {any} */
let policy;

