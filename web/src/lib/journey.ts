// A block's way in numbers: phases since its first sign, and whether it was slow. Pure.
import type { Journey } from '../api';
import { median } from './format';

export interface Phases {
  /** All in ms since the first event. Undefined: not seen. */
  asked?: number;
  delivered?: number;
  /** When validation began: its end less its duration. */
  validating?: number;
  connected?: number;
  relayed?: number;
  /** First sign to connected; to delivered if it is not connected. */
  total?: number;
}
export function phases(journey: Journey): Phases {
  const since = (utcMs: number | null | undefined): number | undefined => (utcMs == null ? undefined : Math.max(0, utcMs - journey.first_utc_ms));
  const requested = [...(journey.requests ?? []).map((request) => request.utc_ms)];
  const connected = since(journey.connected_utc_ms);
  const delivered = since(journey.delivered_utc_ms);
  const out: Phases = {
    asked: requested.length ? since(Math.min(...requested)) : undefined,
    delivered,
    connected,
    relayed: since(journey.first_relay_utc_ms),
    total: connected ?? delivered,
  };
  if (connected !== undefined && journey.connect_ns != null) out.validating = Math.max(delivered ?? 0, connected - journey.connect_ns / 1e6);
  return out;
}

/** Slower than this and than three times the usual: worth a look. */
export const SLOW_MS = 1000;
export function slowLimit(journeys: readonly Journey[]): number {
  const totals = journeys.map((journey) => phases(journey).total).filter((total) => total !== undefined);
  return Math.max(SLOW_MS, 3 * (median(totals) ?? 0));
}
/** What a slow block waited for, in words; empty if it was not slow. */
export function slowReason(journey: Journey, limit: number): string {
  const { total, delivered, connected } = phases(journey);
  if (total === undefined || total <= limit) return '';
  const validation = journey.connect_ns != null ? journey.connect_ns / 1e6 : (connected ?? 0) - (delivered ?? 0);
  return validation > (delivered ?? 0) ? 'slow to validate' : 'slow to arrive';
}

/** Where a moment stands on the axis, 0 to 1. Logarithmic axes begin at 1 ms; what is earlier stands at 0. */
export function position(ms: number, maxMs: number, scale: 'log' | 'linear'): number {
  if (maxMs <= 0) return 0;
  const x = scale === 'linear' ? ms / maxMs : Math.log10(1 + ms) / Math.log10(1 + maxMs);
  return Math.min(1, Math.max(0, x));
}
export function axisTicks(maxMs: number, scale: 'log' | 'linear'): number[] {
  if (scale === 'log') return [0, 10, 100, 1000, 10_000, 100_000].filter((tick) => tick <= maxMs);
  const rough = maxMs / 5;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const out: number[] = [];
  for (let tick = 0; tick <= maxMs; tick += step) out.push(tick);
  return out;
}
export const viaName: Record<string, string> = { inv: 'inv', headers: 'headers', cmpctblock: 'compact block', block: 'whole block', merkleblock: 'merkle block' };
/** How it came, in a few words. */
export function deliveredHow(journey: Journey): string {
  if (journey.delivered_utc_ms == null) return 'not seen to arrive';
  if (journey.delivered_via !== 'cmpctblock') return viaName[journey.delivered_via ?? ''] ?? 'block';
  const asked = journey.compact?.find((one) => one.peer_id === journey.delivered_peer)?.requested;
  if (asked == null) return 'compact block';
  return asked === 0 ? 'compact, nothing missing' : `compact, ${asked} tx asked for`;
}
