import { describe, expect, test } from 'vitest';
import { Asked, laterSince, lineOf, speedChoices, speedName, utcTime } from '../../src/lib/replay';
import { Store } from '../../src/store';

const NOON = Date.UTC(2026, 10, 26, 12, 0, 0);
const MINUTE = 60_000;

describe('the time line of a recording', () => {
  test('keys move by what people count in, a thousandth of it at least', () => {
    const step = (span: number): number => lineOf({ from_utc_ms: NOON, to_utc_ms: NOON + span }).step;
    expect(step(2500)).toBe(10);
    expect(step(10 * MINUTE)).toBe(1000);
    expect(step(60 * MINUTE)).toBe(5000);
    expect(step(24 * 60 * MINUTE)).toBe(120_000);
    expect(step(0)).toBeGreaterThan(0);
    for (let span = 1; span < 1e11; span *= 3) expect(span / step(span)).toBeLessThanOrEqual(1200);
  });
  test('the position stays on it; the end may not be known', () => {
    expect(lineOf({ from_utc_ms: 5000, to_utc_ms: 9000, at_utc_ms: 99_000 }).at).toBe(9000);
    expect(lineOf({ from_utc_ms: 5000, to_utc_ms: 9000, at_utc_ms: 1 }).at).toBe(5000);
    expect(lineOf({ from_utc_ms: 5000, to_utc_ms: null, at_utc_ms: 7000 })).toMatchObject({ at: 7000, to: undefined });
    expect(lineOf({}).at).toBe(0);
  });
  test('times are UTC, with a date where there are several days, with tenths where it is short', () => {
    const write = (from: number, to: number, ms: number): string => utcTime(ms, lineOf({ from_utc_ms: from, to_utc_ms: to }));
    expect(write(NOON, NOON + 60 * MINUTE, NOON + 61_900)).toBe('12:01:01');
    expect(write(NOON, NOON + 13 * 60 * MINUTE, NOON)).toBe('2026-11-26 12:00:00');
    expect(write(NOON, NOON + 48 * 60 * MINUTE, NOON)).toBe('2026-11-26 12:00:00');
    expect(write(NOON, NOON + 2500, NOON + 1250)).toBe('12:00:01.2');
  });
  test('the speeds to choose from have the present one among them', () => {
    expect(speedChoices(10)).toEqual([1, 10, 100, 0]);
    expect(speedChoices(0.5)).toEqual([0.5, 1, 10, 100, 0]);
    expect(speedChoices(500)).toEqual([1, 10, 100, 500, 0]);
    expect(speedChoices(0).map(speedName)).toEqual(['1×', '10×', '100×', 'As fast as it goes']);
  });
  test('a state that begins later is told', () => {
    expect(laterSince({ from_utc_ms: NOON, state_since_utc_ms: NOON })).toBeUndefined();
    expect(laterSince({ from_utc_ms: NOON, state_since_utc_ms: NOON + MINUTE })).toBe(NOON + MINUTE);
    expect(laterSince({})).toBeUndefined();
  });
});

describe('what was asked for', () => {
  const before = { paused: false, speed: 1, moves: 3, moving: null, at_utc_ms: NOON };
  test('holds over a snapshot that was on its way', () => {
    const asked = new Asked();
    asked.put({ ...before, paused: true }, 0);
    expect(asked.over(before, 100).paused).toBe(true);
    expect(asked.over({ ...before, paused: true, at_utc_ms: NOON + 7 }, 200).at_utc_ms).toBe(NOON + 7);
    expect(asked.over(before, 300).paused).toBe(false);
  });
  test('a move holds until it is made', () => {
    const asked = new Asked();
    asked.put({ ...before, moving: { to_utc_ms: NOON + MINUTE } }, 0);
    expect(asked.over(before, 100).moving?.to_utc_ms).toBe(NOON + MINUTE);
    expect(asked.over({ ...before, moves: 4 }, 200).moving).toBeNull();
  });
  test('but not for ever: somebody else may have asked for something else', () => {
    const asked = new Asked();
    asked.put({ ...before, paused: true }, 0);
    expect(asked.over(before, Asked.PATIENCE_MS).paused).toBe(false);
  });
});

test('history of another time is forgotten when the time is moved, and only then', () => {
  const store = new Store();
  const snapshot = { utc_ms: NOON, nodes: [] };
  store.take({ ...snapshot, replay: { moves: 0 } });
  store.history = { seconds: [{ utc_ms: NOON }], minutes: [], error: '', loaded: true };
  store.take({ ...snapshot, replay: { moves: 0, paused: true } });
  expect(store.history.loaded).toBe(true);
  store.take({ ...snapshot, replay: { moves: 1 } });
  expect(store.history).toEqual({ seconds: [], minutes: [], error: '', loaded: false });
  store.history = { seconds: [{ utc_ms: NOON }], minutes: [], error: '', loaded: true };
  store.take(snapshot);
  store.take(snapshot);
  expect(new Store().history.loaded).toBe(false);
});
