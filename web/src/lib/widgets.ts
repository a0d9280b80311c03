// Parts that several views share.
import type { Hist } from '../api';
import { get, type ApiError } from '../api';
import { h, icon, quantity, setAttr, setQuantity, setText, show, type Child } from './dom';
import { count, DASH, text, type Quantity } from './format';

export function panel(title: string, options: { hint?: Child; actions?: Child; cls?: string; id?: string } = {}, ...body: Child[]): HTMLElement {
  const id = options.id ?? `p-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return h(
    'section',
    { class: `panel ${options.cls ?? ''}`.trim(), 'aria-labelledby': id },
    h('header', { class: 'panel-head' }, h('h2', { id }, title), options.hint ? h('p', { class: 'hint' }, options.hint) : null, options.actions ?? null),
    ...body,
  );
}

export interface Tile {
  el: HTMLElement;
  set(value: Quantity, sub?: string, tone?: '' | 'ok' | 'warn' | 'bad'): void;
}
export function tile(label: string): Tile {
  const value = h('dd', { class: 'tile-value q' }, DASH);
  const sub = h('dd', { class: 'tile-sub' });
  const el = h('div', { class: 'tile' }, h('dt', { class: 'tile-label' }, label), value, sub);
  return {
    el,
    set(q, words = '', tone = '') {
      setQuantity(value, q);
      setText(sub, words);
      el.dataset.tone = tone;
    },
  };
}
export const tiles = (...list: Tile[]): HTMLElement => h('dl', { class: `tiles n${list.length}` }, ...list.map((one) => one.el));

export function empty(title: string, words: string, symbol = 'check'): HTMLElement {
  return h('div', { class: 'empty' }, icon(symbol), h('p', { class: 'empty-title' }, title), h('p', { class: 'empty-text' }, words));
}
export function skeleton(lines = 4): HTMLElement {
  return h('div', { class: 'skeleton', role: 'status' }, h('span', { class: 'sr' }, 'Loading…'), ...Array.from({ length: lines }, () => h('span', { class: 'bone', 'aria-hidden': 'true' })));
}
export function failure(error: Error, again: () => void): HTMLElement {
  const known = (error as ApiError).status;
  return h(
    'div',
    { class: 'empty bad', role: 'alert' },
    icon('unplug'),
    h('p', { class: 'empty-title' }, known === 404 ? 'Not here' : 'This could not be loaded'),
    h('p', { class: 'empty-text' }, error.message),
    h('button', { class: 'button', type: 'button', onclick: again }, 'Try again'),
  );
}

export interface Bar {
  label: string;
  value: number;
  shown?: Quantity;
  /** Class of colour, as `c--in`. */
  color?: string;
  title?: string;
  /** Where the label leads. */
  href?: string;
  /** A second part of the bar, behind the first. */
  more?: { value: number; color: string };
}
/** Names with bars and numbers, as a table for those who cannot see the bars. */
export function bars(caption: string, columns: [string, string]): { el: HTMLElement; set(list: Bar[], none?: string): void } {
  const body = h('tbody');
  const none = h('p', { class: 'none' });
  const el = h('div', { class: 'bars-box' });
  const table = h(
    'table',
    { class: 'bars' },
    h('caption', { class: 'sr' }, caption),
    h('thead', { class: 'sr' }, h('tr', null, h('th', { scope: 'col' }, columns[0]), h('th', { scope: 'col' }, 'Share'), h('th', { scope: 'col' }, columns[1]))),
    body,
  );
  el.append(table, none);
  return {
    el,
    set(list, words = 'Nothing yet.') {
      const max = Math.max(1e-9, ...list.map((bar) => bar.value + (bar.more?.value ?? 0)));
      show(table, list.length > 0);
      show(none, list.length === 0);
      setText(none, words);
      list.forEach((bar, i) => {
        let row = body.children[i] as HTMLTableRowElement | undefined;
        if (!row) {
          row = h('tr', null, h('th', { scope: 'row' }), h('td', { class: 'bar-cell', 'aria-hidden': 'true' }, h('span', { class: 'bar' }), h('span', { class: 'bar' })), h('td', { class: 'num' }, quantity(count(0))));
          body.append(row);
        }
        const [name, cell, number] = [...row.children] as HTMLElement[];
        if (bar.href === undefined) setText(name!, bar.label);
        else {
          const link = (name!.firstElementChild as HTMLAnchorElement | null) ?? h('a');
          if (!link.parentNode) name!.replaceChildren(link);
          setAttr(link, 'href', bar.href);
          setText(link, bar.label);
        }
        if (bar.title) row.title = bar.title;
        const [first, second] = [...cell!.children] as HTMLElement[];
        first!.className = `bar ${bar.color ?? 'c--accent'}`;
        first!.style.width = `${(100 * bar.value) / max}%`;
        second!.className = `bar ${bar.more?.color ?? ''}`;
        second!.style.width = `${(100 * (bar.more?.value ?? 0)) / max}%`;
        setQuantity(number!.firstElementChild as HTMLElement, bar.shown ?? count(bar.value));
      });
      while (body.children.length > list.length) body.lastElementChild!.remove();
    },
  };
}

/** A histogram as columns. `bound` names an upper bound. */
export function histogram(label: string, bound: (n: number) => string, unit: string): { el: HTMLElement; set(hist: Hist | undefined): void } {
  const columns = h('div', { class: 'hist-columns', 'aria-hidden': 'true' });
  const note = h('p', { class: 'hist-note' });
  const figure = h('div', { class: 'hist', role: 'img', 'aria-label': label }, columns);
  const none = h('p', { class: 'none' }, 'Nothing yet.');
  const el = h('div', { class: 'hist-box' }, figure, note, none);
  return {
    el,
    set(hist) {
      const total = hist?.count ?? 0;
      show(figure, total > 0);
      show(note, total > 0);
      show(none, total === 0);
      if (!hist || total === 0) return;
      const max = Math.max(1, ...hist.counts);
      columns.classList.toggle('dense', hist.counts.length > 11);
      const names = hist.counts.map((_, i) => (i < hist.bounds.length ? `≤ ${bound(hist.bounds[i]!)}` : `> ${bound(hist.bounds.at(-1) ?? 0)}`));
      hist.counts.forEach((n, i) => {
        let column = columns.children[i] as HTMLElement | undefined;
        if (!column) {
          column = h('div', { class: 'hist-column' }, h('span', { class: 'hist-bar' }), h('span', { class: 'hist-label' }));
          columns.append(column);
        }
        (column.firstElementChild as HTMLElement).style.height = n === 0 ? '0' : `calc((100% - 22px) * ${Math.max(0.015, n / max)})`;
        setText(column.lastElementChild!, i < hist.bounds.length ? bound(hist.bounds[i]!) : '∞');
        column.title = `${names[i]} ${unit}: ${text(count(n))} (${((100 * n) / total).toFixed(1)} %)`;
      });
      figure.setAttribute('aria-label', `${label}: ${hist.counts.map((n, i) => `${names[i]} ${unit}: ${n}`).join('; ')}`);
      setText(note, `${text(count(total))} in all · mean ${`${bound(hist.sum / total)} ${unit}`.trim()} · each column up to the bound below it`);
    },
  };
}

/** Two or three exclusive choices. */
export function segmented<T extends string>(label: string, choices: [T, string][], chosen: T, pick: (value: T) => void): HTMLElement {
  const buttons = choices.map(([value, words]) =>
    h('button', { type: 'button', 'aria-pressed': String(value === chosen), onclick: () => {
      for (const button of buttons) button.setAttribute('aria-pressed', String(button.dataset.value === value));
      pick(value);
    }, 'data-value': value }, words),
  );
  return h('div', { class: 'segmented', role: 'group', 'aria-label': label }, ...buttons);
}

/** Parts of a view that have an address each. */
export function tabs(label: string, list: [string, string][], current: string): HTMLElement {
  return h('nav', { class: 'tabs', 'aria-label': label }, ...list.map(([href, words]) => h('a', { href, 'aria-current': href === current ? 'page' : null }, words)));
}

/** Asks again and again while the page is visible; `take` gets answers, `fail` what went wrong until it is right again. */
export function poll<T>(path: string, params: () => Record<string, string | undefined>, everyMs: number, take: (answer: T) => void, fail: (error: Error) => void): { stop(): void; now(): void } {
  let stopped = false;
  let timer = 0;
  let running = false;
  const ask = async (): Promise<void> => {
    if (stopped || running) return;
    running = true;
    try {
      if (!document.hidden) {
        const answer = await get<T>(path, params());
        if (!stopped) take(answer);
      }
    } catch (error) {
      if (!stopped) fail(error as Error);
    }
    running = false;
    if (!stopped) timer = window.setTimeout(() => void ask(), everyMs);
  };
  void ask();
  return {
    stop() {
      stopped = true;
      window.clearTimeout(timer);
    },
    now() {
      window.clearTimeout(timer);
      void ask();
    },
  };
}
/** Swaps the content of a place between loading, failed and there. */
export class Place {
  readonly el = h('div', { class: 'place' });
  #state = '';
  constructor(readonly content: HTMLElement) {
    this.el.append(skeleton());
  }
  ready(): void {
    if (this.#state === 'ready') return;
    this.#state = 'ready';
    this.el.replaceChildren(this.content);
  }
  failed(error: Error, again: () => void): void {
    if (this.#state === 'ready' || this.#state === error.message) return; // old data is better than none; the banner tells
    this.#state = error.message;
    this.el.replaceChildren(failure(error, again));
  }
}
