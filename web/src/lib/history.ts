// What a chart of the history draws: the span that was asked for, as finely as it is known. Pure.
import type { HistoryPoint } from '../api';
import { age } from './format';

export type Range = '2m' | '1h' | '24h';
export const RANGES: [Range, string][] = [['2m', '2 min'], ['1h', '1 h'], ['24h', '24 h']];

/** A point, and how many seconds it stands for. */
export interface Step {
  point: HistoryPoint;
  seconds: number;
}
/** Minutes by themselves are a chart only when there are some. */
const ENOUGH_MINUTES = 5;
const COARSE = 10;

function sum(points: HistoryPoint[], utcMs: number): HistoryPoint {
  const out: HistoryPoint = { utc_ms: utcMs, messages: { in: { count: 0, bytes: 0 }, out: { count: 0, bytes: 0 } }, messages_in_by_kind: {} };
  for (const point of points) {
    for (const dir of ['in', 'out'] as const) {
      out.messages![dir]!.count += point.messages?.[dir]?.count ?? 0;
      out.messages![dir]!.bytes += point.messages?.[dir]?.bytes ?? 0;
    }
    for (const [kind, n] of Object.entries(point.messages_in_by_kind ?? {})) out.messages_in_by_kind![kind] = (out.messages_in_by_kind![kind] ?? 0) + n;
    for (const key of ['mempool_added', 'mempool_removed', 'mempool_rejected', 'mempool_replaced', 'blocks', 'lost'] as const) out[key] = (out[key] ?? 0) + (point[key] ?? 0);
  }
  return out;
}

/** In a session's first minutes the seconds take the place of minutes that are not there yet, in tens as soon as there are some. */
export function stepsOf(history: { seconds: HistoryPoint[]; minutes: HistoryPoint[] }, range: Range): Step[] {
  const bySecond = history.seconds.map((point) => ({ point, seconds: 1 }));
  if (range === '2m') return bySecond;
  const minutes = (range === '1h' ? history.minutes.slice(-60) : history.minutes).map((point) => ({ point, seconds: 60 }));
  if (minutes.length >= ENOUGH_MINUTES) return minutes;
  if (minutes.length === 0 && bySecond.length < 3 * COARSE) return bySecond;
  const tens = new Map<number, HistoryPoint[]>();
  for (const point of history.seconds) {
    const at = Math.floor(point.utc_ms / (COARSE * 1000)) * COARSE * 1000;
    tens.set(at, [...(tens.get(at) ?? []), point]);
  }
  const coarse = [...tens].filter(([, points]) => points.length === COARSE).map(([at, points]) => ({ point: sum(points, at), seconds: COARSE }));
  const from = coarse[0]?.point.utc_ms ?? Infinity;
  return [...minutes.filter(({ point }) => point.utc_ms + 60_000 <= from), ...coarse];
}
/** One value a step, per second. */
export function rates(steps: readonly Step[], pick: (point: HistoryPoint) => number | undefined): number[] {
  return steps.map(({ point, seconds }) => (pick(point) ?? 0) / seconds);
}
export function totalOf(steps: readonly Step[], pick: (point: HistoryPoint) => number | undefined): number {
  return steps.reduce((total, { point }) => total + (pick(point) ?? 0), 0);
}
/** How long what is drawn is: "the last 43 s". Rounded where it is long. */
export function coveredBy(steps: readonly Step[]): string {
  const last = steps.at(-1);
  if (!last) return '';
  const seconds = Math.round((last.point.utc_ms - steps[0]!.point.utc_ms) / 1000 + last.seconds);
  if (seconds >= 3600) return seconds % 3600 === 0 ? `the last ${seconds === 3600 ? 'hour' : `${seconds / 3600} hours`}` : `the last ${age(seconds)}`;
  return `the last ${seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : age(seconds)}`;
}
