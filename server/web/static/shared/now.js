// @ts-check
/** The server's time, for a component that shows it passing. */

import { useEffect, useState } from "./html.js";

/**
 * Return the server's time in milliseconds since the epoch; while `isTicking`, the component is
 * drawn again each second.
 * @param {import("./classroom.js").Classroom} classroom
 * @param {boolean} [isTicking]
 */
export function useNow({ skew }, isTicking = true) {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isTicking) return undefined;
    const timer = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isTicking]);
  return Date.now() + skew.value;
}
