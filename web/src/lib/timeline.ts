// One block journey as a horizontal line of phases. The table beside it says the same in words.
import type { Journey } from '../api';
import { s } from './dom';
import { duration, text } from './format';
import { axisTicks, phases, position } from './journey';

export interface TimelineOptions {
  width: number;
  maxMs: number;
  scale: 'log' | 'linear';
  axis?: boolean;
}
const ms = (value: number): string => text(duration(value * 1e6));

export function timeline(journey: Journey, { width, maxMs, scale, axis = false }: TimelineOptions): SVGSVGElement {
  const p = phases(journey);
  const left = 6;
  const inner = Math.max(40, width - 18);
  const x = (at: number): number => left + inner * position(at, maxMs, scale);
  const height = axis ? 56 : 40;
  const said: string[] = [];
  const svg = s('svg', { class: 'timeline', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img' });
  for (const tick of axisTicks(maxMs, scale)) {
    svg.append(s('line', { class: 'tl-grid', x1: x(tick), x2: x(tick), y1: 0, y2: 36 }));
    if (axis) svg.append(s('text', { class: 'tl-tick', x: x(tick), y: 52, 'text-anchor': tick === 0 ? 'start' : 'middle' }, tick === 0 ? '0' : ms(tick)));
  }
  const bar = (from: number | undefined, to: number | undefined, cls: string, what: string): void => {
    if (from === undefined || to === undefined || to < from) return;
    said.push(`${what} ${ms(to - from)}`);
    svg.append(s('rect', { class: `tl-bar ${cls}`, x: x(from), y: 8, width: Math.max(2, x(to) - x(from)), height: 12, rx: 3 }, s('title', null, `${what}: ${ms(to - from)}`)));
  };
  if (p.asked !== undefined) bar(0, Math.min(p.asked, p.delivered ?? p.asked), 'tl-wait', 'before we asked');
  bar(p.asked !== undefined ? Math.min(p.asked, p.delivered ?? p.asked) : 0, p.delivered, 'tl-get', 'transfer');
  bar(p.delivered, p.validating, 'tl-wait', 'before validation');
  bar(p.validating ?? p.delivered, p.connected, 'tl-check', 'validation');
  for (const said of journey.announcements ?? []) {
    const at = said.utc_ms - journey.first_utc_ms;
    if (at <= maxMs) svg.append(s('line', { class: 'tl-said', x1: x(at), x2: x(at), y1: 26, y2: 33 }));
  }
  if (p.relayed !== undefined) {
    said.push(`relayed after ${ms(p.relayed)}`);
    const at = x(p.relayed);
    svg.append(s('path', { class: 'tl-relay', d: `M${at - 4.5} 2h9l-4.5 7Z` }, s('title', null, `first relayed after ${ms(p.relayed)}`)));
  }
  svg.setAttribute('aria-label', `Journey: ${said.join(', ') || 'nothing seen'}; announced by ${journey.announcements_total ?? 0} peers`);
  return svg;
}
