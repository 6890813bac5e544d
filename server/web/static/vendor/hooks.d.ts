/** What the pages use of it. */
export function useState<T>(initial: T): [T, (next: T | ((before: T) => T)) => void];
export function useRef<T>(initial: T): { current: T };
export function useEffect(run: () => void | (() => void), follows?: any[]): void;
export function useLayoutEffect(run: () => void | (() => void), follows?: any[]): void;
