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
  /** @param {number} status @param {string} code @param {string} message @param {string} [field] what of the request is at fault */
  constructor(status, code, message, field = "") {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** @param {string} token */
export function rest(token) {
  /** What was posted without an answer that says whether it was done, and under which key. @type {Map<string, string>} */
  const unsure = new Map();
  /**
   * @param {string} method @param {string} path @param {object} [body] @param {number} [timeout]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<Response>}
   */
  const answer = async (method, path, body, timeout = TIMEOUT_MS, headers = {}) => {
    let response;
    try {
      response = await fetch(path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
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
  const request = async (method, path, body) => read(await answer(method, path, body));
  /**
   * Whoever posts the same again because nothing was heard of it says so by its key: it is done once.
   * @param {string} path @param {object} body @returns {Promise<any>}
   */
  const post = async (path, body) => {
    const same = `${path} ${JSON.stringify(body)}`;
    const key = unsure.get(same) ?? newKey();
    unsure.set(same, key);
    try {
      const response = await answer("POST", path, body, TIMEOUT_MS, { "idempotency-key": key });
      const done = await read(response);
      unsure.delete(same);
      return done;
    } catch (problem) {
      if (problem instanceof Problem && problem.status >= 400 && problem.status < 500) unsure.delete(same);
      throw problem;
    }
  };
  return {
    /** @param {string} path */
    get: (path) => request("GET", path),
    /** @param {string} path @param {object} body */
    post,
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

/** @param {Response} response @returns {Promise<any>} */
const read = async (response) => (response.status === 204 ? null : response.json());

/** `crypto.randomUUID` is for secure contexts only. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

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
  return new Problem(response.status, said.code ?? "", text || `HTTP ${response.status}`, said.field);
}
