// @ts-check
/**
 * The REST interface of one person: JSON in, JSON out, problem+json (RFC 9457) as an error.
 *
 * @typedef {ReturnType<typeof rest>} Rest
 */

const TIMEOUT_MS = 10_000;
const LONG_MS = 60_000;

/** The server said no, or could not be reached (`status` 0); `message` is for people. */
export class Problem extends Error {
  /** @param {number} status @param {string} code @param {string} message */
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @param {string} token */
export function rest(token) {
  /**
   * @param {string} method @param {string} path @param {object} [body] @param {number} [timeout]
   * @returns {Promise<Response>}
   */
  const answer = async (method, path, body, timeout = TIMEOUT_MS) => {
    let response;
    try {
      response = await fetch(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(timeout),
      });
    } catch {
      throw new Problem(0, "unreachable", "The server cannot be reached.");
    }
    if (!response.ok) throw await problem(response);
    return response;
  };
  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  const request = async (method, path, body) => {
    const response = await answer(method, path, body);
    return response.status === 204 ? null : response.json();
  };
  return {
    /** @param {string} path */
    get: (path) => request("GET", path),
    /** @param {string} path @param {object} body */
    post: (path, body) => request("POST", path, body),
    /** Any other method. @param {string} method @param {string} path @param {object} [body] */
    send: (method, path, body) => request(method, path, body),
    /**
     * Do something that takes a while and is told line by line (NDJSON).
     * @param {string} path @param {(line: any) => void} onLine
     */
    told: async (path, onLine) => {
      const { body } = await answer("POST", path, undefined, LONG_MS);
      const decoder = new TextDecoder();
      let rest = "";
      for await (const part of /** @type {any} */ (body)) {
        const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) onLine(JSON.parse(line));
      }
    },
    /** What is no JSON. @param {string} path */
    file: async (path) => (await answer("GET", path)).blob(),
  };
}

/** @param {Response} response @returns {Promise<Problem>} */
export async function problem(response) {
  /** @type {any} */
  let said = {};
  try {
    said = await response.json();
  } catch {
    // Not every proxy on the way speaks problem+json; the status says enough.
  }
  const text = said.detail ?? said.title ?? response.statusText;
  return new Problem(response.status, said.code ?? "", text || `HTTP ${response.status}`);
}
