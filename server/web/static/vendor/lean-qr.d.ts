/** What the pages use of it. */
export function generate(text: string): { size: number; get(x: number, y: number): boolean };
