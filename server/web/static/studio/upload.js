// @ts-check
/**
 * Bring a file into the class: announce it, send it, have it made into pages.
 *
 * @typedef {{step: "sending"|"drawing"|"failed", name: string, part: number|null, message: string}} Progress
 */

const LOOK_MS = 700;

/**
 * Tell how far it is until it is in the class (then null), or has failed in words.
 * @param {{api: import("../shared/rest.js").Rest, session: string, file: File,
 *   onProgress: (progress: Progress|null) => void}} options
 */
export async function upload({ api, session, file, onProgress }) {
  const tell = (/** @type {Progress["step"]} */ step, /** @type {number|null} */ part, message = "") =>
    onProgress({ step, name: file.name, part, message });
  const uploads = `/v1/sessions/${session}/uploads`;
  try {
    tell("sending", 0);
    const { id, put_url: url } = await api.post(uploads, { name: file.name, content_type: file.type, bytes: file.size });
    await put(url, file, (part) => tell("sending", part));
    tell("drawing", null);
    await api.post(`${uploads}/${id}/commit`, {});
    for (;;) {
      const { status, reason, pages, pages_done: done } = await api.get(`${uploads}/${id}`);
      if (status === "ready") return onProgress(null);
      if (status === "failed") return tell("failed", null, reason ?? "");
      tell("drawing", pages ? done / pages : null);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } catch (problem) {
    tell("failed", null, /** @type {Error} */ (problem).message);
  }
}

/**
 * Send the file; `fetch` cannot tell how far it is, this can.
 * @param {string} url @param {File} file @param {(part: number) => void} onPart
 * @returns {Promise<void>}
 */
function put(url, file, onPart) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.setRequestHeader("content-type", file.type);
    request.upload.onprogress = ({ loaded, total }) => onPart(total > 0 ? loaded / total : 0);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`HTTP ${request.status}`)));
    request.onerror = () => reject(new Error("The file could not be sent."));
    request.send(file);
  });
}
