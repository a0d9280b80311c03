import { describe, expect, test } from 'vitest';
import type { Journey, Peer } from '../../src/api';
import { familyOf } from '../../src/lib/families';
import { axisTicks, phases, position, slowLimit, slowReason } from '../../src/lib/journey';
import { COLUMNS, filterRows, sortRows, type Row } from '../../src/lib/peer_table';
import { Reconnect, STALL_MS } from '../../src/lib/reconnect';
import { seats } from '../../src/lib/ring';
import { Sampler } from '../../src/lib/sampling';
import { merge, Rates } from '../../src/store';
import { sinceBlockTone } from '../../src/lib/tone';

describe('sampling', () => {
  test('within the budget everything is drawn', () => {
    const sampler = new Sampler(1000);
    for (let t = 0; t < 2000; t += 50) expect(sampler.take(40, t)).toHaveLength(40);
    expect(sampler.words).toBe('Showing every message');
  });
  test('over it, evenly spread, and the ratio is told', () => {
    const sampler = new Sampler(1000);
    let drawn = 0;
    let last: number[] = [];
    for (let t = 0; t < 10_000; t += 50) drawn += (last = sampler.take(500, t)).length;
    expect(drawn).toBeGreaterThan(9900);
    expect(drawn).toBeLessThan(10_600);
    expect(sampler.words).toBe('Showing 1 in 10');
    expect(sampler.rate(10_000)).toBeGreaterThan(9000);
    const gaps = last.slice(1).map((index, i) => index - last[i]!);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  });
  test('what the daemon left out counts', () => {
    const sampler = new Sampler(1000);
    sampler.take(10, 0);
    sampler.leftOut(30, 0);
    expect(sampler.words).toBe('Showing 1 in 4');
    sampler.undrawn(5, 0);
    expect(sampler.words).toBe('Showing 1 in 8');
  });
  test('a storm is forgotten when it is over', () => {
    const sampler = new Sampler(100);
    sampler.take(10_000, 0);
    expect(sampler.share).toBeLessThan(0.01);
    for (let t = 3500; t < 7000; t += 50) sampler.take(1, t);
    expect(sampler.share).toBe(1);
  });
  test('late batches, two at once, are no reason to leave any out', () => {
    const sampler = new Sampler(1000);
    for (let t = 0; t < 4000; t += 100) for (const late of [95, 99]) expect(sampler.take(45, t + late)).toHaveLength(45);
  });
  test('a little is said in per cent', () => {
    const sampler = new Sampler(1000);
    sampler.take(90, 0);
    sampler.leftOut(10, 0);
    expect(sampler.words).toBe('Showing 90 % of messages');
  });
});

describe('reconnecting', () => {
  test('waits longer each time, up to a bound', () => {
    const machine = new Reconnect(() => 0.999);
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      machine.connecting(0);
      machine.closed(0, 'refused');
      waits.push(Math.round(machine.status.retryAt));
    }
    expect(waits.slice(0, 6)).toEqual([500, 1000, 1999, 3998, 7996, 14993]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15_000);
    expect(machine.status).toMatchObject({ phase: 'waiting', attempts: 9, everOpen: false });
  });
  test('half of the wait is chance', () => {
    const machine = new Reconnect(() => 0);
    machine.closed(0, '');
    expect(machine.status.retryAt).toBe(250);
  });
  test('connects when due, or when told to hurry', () => {
    const machine = new Reconnect(() => 0.5);
    machine.closed(1000, '');
    expect(machine.due(1001)).toBe('nothing');
    expect(machine.due(machine.status.retryAt)).toBe('connect');
    machine.hurry(1002);
    expect(machine.due(1002)).toBe('connect');
  });
  test('a connection that held resets the count, one that flaps does not', () => {
    const machine = new Reconnect(() => 0.5);
    for (let i = 0; i < 3; i++) {
      machine.connecting(0);
      machine.heard(0);
      machine.closed(100, 'flap');
    }
    expect(machine.status.attempts).toBe(3);
    machine.heard(200);
    machine.heard(200 + 10_000);
    expect(machine.status.attempts).toBe(0);
    machine.closed(20_000, '');
    expect(machine.status).toMatchObject({ attempts: 1, everOpen: true });
  });
  test('silence is a loss', () => {
    const machine = new Reconnect();
    machine.heard(0);
    expect(machine.due(STALL_MS)).toBe('nothing');
    expect(machine.due(STALL_MS + 1)).toBe('abandon');
  });
});

describe('rates', () => {
  const peer = (id: number, bytes: number): Peer => ({ id, address: '', bytes_in: bytes, bytes_out: 2 * bytes });
  test('from one snapshot to the next, by the time of the snapshots', () => {
    const rates = new Rates();
    rates.push(0, [peer(1, 1000)]);
    expect(rates.of(1)).toBeUndefined();
    rates.push(2000, [peer(1, 3000), peer(2, 5)]);
    expect(rates.of(1)).toEqual({ in: 1000, out: 2000 });
    expect(rates.of(2)).toBeUndefined();
    expect(rates.total()).toEqual({ in: 1000, out: 2000 });
  });
  test('a restarted node, a time that goes back, and a peer that left', () => {
    const rates = new Rates();
    rates.push(1000, [peer(1, 9000)]);
    rates.push(2000, [peer(1, 10)]);
    expect(rates.of(1)).toBeUndefined();
    rates.push(1500, [peer(1, 20)]);
    expect(rates.of(1)).toBeUndefined();
    rates.push(2500, []);
    expect(rates.total()).toBeUndefined();
  });
});

test('history: new points replace those of their time and later', () => {
  const points = (...times: number[]) => times.map((utc_ms) => ({ utc_ms }));
  expect(merge(points(1, 2, 3), points(3, 4), 3)).toEqual(points(2, 3, 4));
  expect(merge(points(1), [], 3)).toEqual(points(1));
});

describe('table of peers', () => {
  const row = (id: number, more: Partial<Peer> = {}, rate?: { in: number; out: number }): Row => ({ peer: { id, address: `10.0.0.${id}:8333`, network: 'ipv4', inbound: true, ...more }, rate, now: 0 });
  const ids = (rows: Row[]): number[] => rows.map((one) => one.peer.id);
  test('unknown comes last both ways, equals by id', () => {
    const rows = [row(3), row(2, {}, { in: 5, out: 0 }), row(1, {}, { in: 5, out: 0 }), row(4, {}, { in: 9, out: 0 })];
    expect(ids(sortRows(rows, { column: 'in', down: true }))).toEqual([4, 1, 2, 3]);
    expect(ids(sortRows(rows, { column: 'in', down: false }))).toEqual([1, 2, 4, 3]);
  });
  test('words', () => {
    const rows = [row(1, { network: 'onion', version: { user_agent: '/Satoshi:29.0.0/' } }), row(2, { inbound: false, version: { user_agent: '/Satoshi:28.0.0/Knots/' } }), row(3, { address: 'infoin.onion:1', network: 'ipv6' })];
    expect(ids(filterRows(rows, 'tor'))).toEqual([1]);
    expect(ids(filterRows(rows, 'in'))).toEqual([1, 3]);
    expect(ids(filterRows(rows, 'out satoshi'))).toEqual([2]);
    expect(ids(filterRows(rows, 'satoshi -knots'))).toEqual([1]);
    expect(ids(filterRows(rows, '  '))).toEqual([1, 2, 3]);
    expect(ids(filterRows(rows, 'constructor'))).toEqual([]);
  });
  test('lists that its address is on', () => {
    const rows = [row(1, { lists: ['cloud'] }), row(2, { lists: ['cloud', 'known-spies'] }), row(3, {})];
    expect(ids(filterRows(rows, 'cloud'))).toEqual([1, 2]);
    expect(ids(filterRows(rows, 'cloud -known-spies'))).toEqual([1]);
    const shown = COLUMNS.find((column) => column.id === 'address')!;
    expect(rows.map((one) => shown.show(one).unit)).toEqual(['cloud', 'cloud, known-spies', '']);
  });
});

describe('journeys', () => {
  const journey = (more: Partial<Journey>): Journey => ({ hash: 'ab', first_utc_ms: 1000, ...more });
  test('phases since the first sign', () => {
    expect(phases(journey({ requests: [{ peer_id: 1, via: 'block', utc_ms: 1005 }], delivered_utc_ms: 1200, connected_utc_ms: 1450, connect_ns: 200e6, first_relay_utc_ms: 1210 }))).toEqual({ asked: 5, delivered: 200, validating: 250, connected: 450, relayed: 210, total: 450 });
    expect(phases(journey({})).total).toBeUndefined();
  });
  test('slow is relative, and says why', () => {
    const usual = Array.from({ length: 9 }, () => journey({ delivered_utc_ms: 1400, connected_utc_ms: 1500, connect_ns: 80e6 }));
    const limit = slowLimit(usual);
    expect(limit).toBe(1500);
    expect(slowReason(usual[0]!, limit)).toBe('');
    expect(slowReason(journey({ delivered_utc_ms: 4000, connected_utc_ms: 4100, connect_ns: 90e6 }), limit)).toBe('slow to arrive');
    expect(slowReason(journey({ delivered_utc_ms: 1100, connected_utc_ms: 4100, connect_ns: 2900e6 }), limit)).toBe('slow to validate');
    expect(slowLimit([])).toBe(1000);
  });
  test('axes', () => {
    expect([position(0, 1000, 'log'), position(1000, 1000, 'log'), position(5000, 1000, 'linear'), position(1, 0, 'log')]).toEqual([0, 1, 1, 0]);
    expect(axisTicks(2400, 'log')).toEqual([0, 10, 100, 1000]);
    expect(axisTicks(230, 'linear')).toEqual([0, 50, 100, 150, 200]);
  });
});

test('seats: everybody has one, groups do not overlap', () => {
  const peers: Peer[] = Array.from({ length: 300 }, (_, id) => ({ id, address: '', network: ['ipv4', 'onion', 'strange'][id % 3], inbound: id % 2 === 0 }));
  const { seats: all, arcs } = seats(peers, 100);
  expect(new Set(all.map((seat) => seat.id)).size).toBe(300);
  expect(new Set(all.map((seat) => seat.ring)).size).toBe(3);
  expect(arcs.map((arc) => arc.network)).toEqual(['ipv4', 'onion', 'other']);
  for (let i = 1; i < arcs.length; i++) expect(arcs[i]!.from).toBeGreaterThan(arcs[i - 1]!.to);
  expect(seats([], 10).seats).toEqual([]);
});
test('families', () => expect(['inv', 'tx', 'cmpctblock', 'addrv2', 'pong', 'version', 'toString', ''].map(familyOf)).toEqual([0, 1, 2, 3, 4, 5, 5, 5]));
test('time since the last block', () => expect([undefined, 600, 4000, 8000].map(sinceBlockTone)).toEqual(['', '', 'warn', 'bad']));
