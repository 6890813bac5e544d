/** What the pages use of it. */
export function h(type: any, props: any, ...children: any[]): any;
export function render(view: any, root: Element): void;
