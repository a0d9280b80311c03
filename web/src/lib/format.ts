// How values look: always with a unit, never more digits than help. A Quantity keeps the two apart, so that units can be muted.

export interface Quantity {
  value: string;
  unit: string;
}
export const DASH = '–';
const NONE: Quantity = { value: DASH, unit: '' };
type Maybe = number | null | undefined;
const known = (n: Maybe): n is number => typeof n === 'number' && Number.isFinite(n);

export function integer(n: Maybe): string {
  return known(n) ? Math.round(n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',') : DASH;
}

/** Three significant digits, or all digits of what is above 1,000. */
function digits(n: number): string {
  const abs = Math.abs(n);
  if (abs >= 1000) return integer(n);
  if (abs >= 100 || Number.isInteger(n)) return n.toFixed(0);
  return abs >= 10 ? n.toFixed(1) : n.toFixed(2);
}

function scaled(n: Maybe, units: readonly string[], step: number): Quantity {
  if (!known(n)) return NONE;
  let i = 0;
  // 999.6 would be rounded to 1000 of the smaller unit.
  while (Math.abs(n) >= step * 0.9995 && i < units.length - 1) {
    n /= step;
    i++;
  }
  return { value: digits(n), unit: units[i]! };
}

/** Counts: 12,345 up to a million, then short: 1.23 M. */
export function count(n: Maybe, unit = ''): Quantity {
  if (!known(n)) return NONE;
  if (Math.abs(n) < 1e6) return { value: integer(n), unit };
  const q = scaled(n / 1e6, ['M', 'G', 'T'], 1000);
  return { value: q.value, unit: unit ? `${q.unit} ${unit}` : q.unit };
}
export const bytes = (n: Maybe): Quantity => scaled(n, ['B', 'kB', 'MB', 'GB', 'TB'], 1000);
export const memory = (n: Maybe): Quantity => scaled(n, ['B', 'KiB', 'MiB', 'GiB'], 1024);
export const byteRate = (n: Maybe): Quantity => scaled(n, ['B/s', 'kB/s', 'MB/s', 'GB/s'], 1000);
export function perSecond(n: Maybe, what = ''): Quantity {
  const unit = what ? `${what}/s` : '/s';
  if (!known(n)) return NONE;
  return { value: n >= 100 || Number.isInteger(n) ? integer(n) : n.toFixed(1), unit };
}
/** A span given in nanoseconds, in the unit that suits it. */
export function duration(ns: Maybe): Quantity {
  if (!known(ns)) return NONE;
  if (ns === 0) return { value: '0', unit: 'ms' };
  if (Math.abs(ns) < 999_500) return scaled(ns, ['ns', 'µs'], 1000);
  if (Math.abs(ns) < 999_500_000) return { value: digits(ns / 1e6), unit: 'ms' };
  if (Math.abs(ns) < 120e9) return { value: digits(ns / 1e9), unit: 's' };
  const parts = age(ns / 1e9);
  return { value: parts, unit: '' };
}
/** A longer span, in two units at most: 3 min 12 s, 2 d 4 h. */
export function age(seconds: Maybe): string {
  if (!known(seconds)) return DASH;
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`;
}
/** The same in one unit, for narrow columns. */
export function ageShort(seconds: Maybe): Quantity {
  if (!known(seconds)) return NONE;
  const s = Math.max(0, seconds);
  if (s < 60) return { value: s.toFixed(0), unit: 's' };
  if (s < 3600) return { value: (s / 60).toFixed(0), unit: 'min' };
  if (s < 86_400) return { value: (s / 3600).toFixed(1), unit: 'h' };
  return { value: (s / 86_400).toFixed(1), unit: 'd' };
}
export function percent(part: Maybe, whole: Maybe): Quantity {
  if (!known(part) || !known(whole) || whole === 0) return NONE;
  const p = (100 * part) / whole;
  return { value: p > 0 && p < 10 ? p.toFixed(1) : p.toFixed(0), unit: '%' };
}
export function bitcoin(satoshi: Maybe): Quantity {
  if (!known(satoshi)) return NONE;
  return Math.abs(satoshi) < 1e6 ? { value: integer(satoshi), unit: 'sat' } : { value: (satoshi / 1e8).toFixed(3), unit: 'BTC' };
}
export const text = (q: Quantity): string => (q.unit ? `${q.value} ${q.unit}` : q.value);

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');
/** Local time of day; the date too if it is not today's. */
export function clock(utcMs: Maybe, nowMs = Date.now(), milliseconds = false): string {
  if (!known(utcMs) || utcMs <= 0) return DASH;
  const d = new Date(utcMs);
  const now = new Date(nowMs);
  const time = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}${milliseconds ? `.${pad(d.getMilliseconds(), 3)}` : ''}`;
  return d.toDateString() === now.toDateString() ? time : `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${time}`;
}

/** In and out in one line: the unit once where it is the same. */
export function bothWays(incoming: Quantity, outgoing: Quantity): string {
  if (incoming.unit === outgoing.unit) return `${incoming.value} in · ${outgoing.value} out ${outgoing.unit}`.trim();
  return `${text(incoming)} in · ${text(outgoing)} out`;
}
/** The ends of a long onion or I2P address; all of it where it is short. Takes it escaped. */
export function shortAddress(address: string): string {
  const parts = /^([a-z2-7]{40,})(\.onion|\.b32\.i2p)(:\d+)?$/.exec(address);
  if (parts) return `${parts[1]!.slice(0, 8)}…${parts[1]!.slice(-5)}${parts[2]}${parts[3] ?? ''}`;
  // the first three groups are somebody's network
  const ipv6 = address.length > 30 ? /^\[([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[0-9a-f:]+:([0-9a-f]+\](?::\d+)?)$/.exec(address) : null;
  return ipv6 ? `[${ipv6[1]}:…:${ipv6[2]}` : address;
}

/** A hash's ends: blocks begin with zeros, so the last digits tell them apart. */
export const shortHash = (hash: string): string => (hash.length > 20 ? `${hash.slice(0, 6)}…${hash.slice(-8)}` : hash);

// Controls, line and paragraph separators, everything that is invisible or turns the direction of text (Trojan Source), tags,
// variation selectors, lone surrogates, private use: shown as what it is.
const UNSAFE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u034F\u115F\u1160\u17B4\u17B5\u3164\uFFA0\uFE00-\uFE0F\u2800]|[^\S ]|[\u{E0100}-\u{E01EF}]/gu;
// More marks than this on one letter climb over the neighbouring lines.
const STACKED_MARKS = /(\p{M}{2})\p{M}+/gu;

/** A stranger's bytes for the eye: what is not printable becomes an escape; at most `limit` characters. */
export function safe(s: string | null | undefined, limit = 256): string {
  if (s == null) return '';
  const chars = [...s];
  const cut = chars.length > limit;
  const out = (cut ? chars.slice(0, limit).join('') : s)
    .replace(UNSAFE, (c) => {
      const code = c.codePointAt(0)!;
      return code < 0x100 ? `\\x${pad16(code, 2)}` : code < 0x10000 ? `\\u${pad16(code, 4)}` : `\\u{${code.toString(16)}}`;
    })
    .replace(STACKED_MARKS, '$1');
  return cut ? `${out}…` : out;
}
const pad16 = (n: number, width: number): string => n.toString(16).padStart(width, '0');

export const median = (values: number[]): number | undefined => {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const mid = sorted.length >> 1;
  return sorted.length % 2 ? sorted[mid]! : (sorted[mid - 1]! + sorted[mid]!) / 2;
};
