// Builds elements without ever parsing HTML: what strangers wrote can only become text.
import type { Quantity } from './format';

export type Child = Node | string | number | null | undefined | false;
type Handlers = { [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void };
export type Props = Handlers & { [attribute: string]: unknown };

function apply(el: Element, props: Props | null, children: Child[]): void {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) el.addEventListener(key.slice(2), value as EventListener);
    else el.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child instanceof Node ? child : String(child));
  }
}
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props | null = null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  apply(el, props, children);
  return el;
}
export function s<K extends keyof SVGElementTagNameMap>(tag: K, props: Props | null = null, ...children: Child[]): SVGElementTagNameMap[K] {
  const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
  apply(el, props, children);
  return el;
}
/** Sets text only where it changed: an unchanged node costs no layout and is not read out again. */
export function setText(el: Node, value: string): void {
  if (el.textContent !== value) el.textContent = value;
}
export function setAttr(el: Element, name: string, value: string | null): void {
  if (value === null) el.removeAttribute(name);
  else if (el.getAttribute(name) !== value) el.setAttribute(name, value);
}
export function show(el: HTMLElement | SVGElement, visible: boolean): void {
  el.toggleAttribute('hidden', !visible);
}
/** A value with its unit muted. */
export function quantity(q: Quantity, cls = ''): HTMLSpanElement {
  const el = h('span', { class: `q ${cls}`.trim() });
  setQuantity(el, q);
  return el;
}
export function setQuantity(el: HTMLElement, q: Quantity): void {
  const key = `${q.value}\u0000${q.unit}`;
  if (el.dataset.q === key) return;
  el.dataset.q = key;
  el.replaceChildren(q.value);
  if (q.unit) el.append(h('span', { class: 'unit' }, `\u00a0${q.unit}`));
}

const PATHS: Record<string, string> = {
  overview: 'M3 3h8v8H3zM13 3h8v5h-8zM13 10h8v11h-8zM3 13h8v8H3z',
  peers: 'M4 6h16M4 12h16M4 18h10',
  circle: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM12 2.5v3M12 18.5v3M2.5 12h3M18.5 12h3M5.3 5.3l2.1 2.1M16.6 16.6l2.1 2.1M5.3 18.7l2.1-2.1M16.6 7.4l2.1-2.1',
  blocks: 'M12 2.8 20 7v9.6l-8 4.6-8-4.6V7ZM4 7l8 4.6L20 7M12 11.6v9.6',
  mempool: 'M4 5h16l-3 7v7l-10-2v-5Z',
  utxo: 'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3ZM4 6v6c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12v6c0 1.7 3.6 3 8 3s8-1.3 8-3v-6',
  messages: 'M4 20V10M10 20V4M16 20v-7M21 20H3',
  addr: 'M12 21s7-6.2 7-11.5A7 7 0 0 0 5 9.500C5 14.800 12 21 12 21ZM12 12a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600 19 19M5 19l1.400-1.400M17.600 6.400 19 5',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z',
  help: 'M9.200 9a2.900 2.900 0 1 1 4.300 2.500c-1 .6-1.500 1.100-1.500 2.300M12 17.300v.2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  back: 'M14 6l-6 6 6 6',
  chevron: 'M9 6l6 6-6 6',
  pause: 'M8 5v14M16 5v14',
  play: 'M7 4.500v15l12-7.500Z',
  check: 'M5 12.500l4.500 4.500L19 7.500',
  warn: 'M12 4 2.800 20h18.400ZM12 10v4.500M12 17v.2',
  unplug: 'M4 20l4-4M16 8l4-4M7 11l6 6-2 2a4.200 4.200 0 0 1-6-6ZM11 7l2-2a4.200 4.200 0 0 1 6 6l-2 2Z',
};
/** A decoration: what it means stands beside it, or in the label of its button. */
export function icon(name: keyof typeof PATHS, cls = ''): SVGSVGElement {
  return s('svg', { class: `icon ${cls}`.trim(), viewBox: '0 0 24 24', 'aria-hidden': 'true', focusable: 'false' }, s('path', { d: PATHS[name] }));
}
