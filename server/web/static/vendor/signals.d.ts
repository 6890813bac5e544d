/** What the pages use of it. */
export type Signal<T> = { value: T; peek(): T };
export type ReadonlySignal<T> = { readonly value: T; peek(): T };
export function signal<T>(value: T): Signal<T>;
export function computed<T>(compute: () => T): ReadonlySignal<T>;
export function effect(run: () => void): () => void;
export function batch<T>(run: () => T): T;
export function useSignal<T>(value: T): Signal<T>;
