import { describe, expect, test } from 'vitest';
import { age, ageShort, bitcoin, bothWays, byteRate, bytes, clock, count, DASH, duration, integer, median, memory, percent, perSecond, safe, shortAddress, shortHash, text } from '../../src/lib/format';

describe('numbers have units', () => {
  test.each([
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(999.7), '1.00 kB'],
    [bytes(1234), '1.23 kB'],
    [bytes(45_600_000), '45.6 MB'],
    [memory(1024 ** 2 * 431), '431 MiB'],
    [byteRate(17_640), '17.6 kB/s'],
    [duration(0), '0 ms'],
    [duration(840), '840 ns'],
    [duration(12_300), '12.3 µs'],
    [duration(999_999), '1.00 ms'],
    [duration(23_400_000), '23.4 ms'],
    [duration(2_060_000_000), '2.06 s'],
    [duration(184e9), '3 min 4 s'],
    [count(921_337), '921,337'],
    [count(48_211_904, 'events'), '48.2 M events'],
    [perSecond(0), '0 /s'],
    [perSecond(4.25, 'tx'), '4.3 tx/s'],
    [percent(12_411, 154_512), '8.0 %'],
    [percent(1, 0), DASH],
    [bitcoin(999_999), '999,999 sat'],
    [bitcoin(188_301_552), '1.883 BTC'],
    [bytes(null), DASH],
    [bytes(NaN), DASH],
    [ageShort(3 * 3600), '3.0 h'],
  ])('%o', (quantity, shown) => expect(text(quantity)).toBe(shown));
  test('ages', () => {
    expect([0, 59.9, 192, 3600, 187_200].map((s) => age(s))).toEqual(['0 s', '59 s', '3 min 12 s', '1 h 0 min', '2 d 4 h']);
    expect(age(undefined)).toBe(DASH);
  });
  test('thousands, also of negative numbers', () => expect([integer(1234567), integer(-1234), integer(12)]).toEqual(['1,234,567', '-1,234', '12']));
  test('the unit once where it is the same', () => {
    expect(bothWays(bytes(10), bytes(20))).toBe('10 in · 20 out B');
    expect(bothWays(bytes(10), bytes(2000))).toBe('10 B in · 2 kB out');
  });
  test('the date only of another day', () => {
    const noon = new Date(2026, 10, 26, 12, 0, 0).getTime();
    expect(clock(noon + 61_042, noon, true)).toBe('12:01:01.042');
    expect(clock(noon - 86_400_000, noon)).toBe('2026-11-25 12:00:00');
    expect(clock(0)).toBe(DASH);
  });
  test('median', () => expect([median([]), median([3, 1, 2]), median([4, 1])]).toEqual([undefined, 2, 2.5]));
});

describe('what strangers write', () => {
  test.each([
    ['/Satoshi:29.0.0/', '/Satoshi:29.0.0/'],
    ['a\u0007b\u001b[31m', 'a\\x07b\\x1b[31m'],
    ['a\nb\tc', 'a\\x0ab\\x09c'],
    ['evil\u202Egpj.exe', 'evil\\u202egpj.exe'],
    ['\u2066x\u2069', '\\u2066x\\u2069'],
    ['zero\u200Bwidth\uFEFF', 'zero\\u200bwidth\\ufeff'],
    ['line\u2028end', 'line\\u2028end'],
    ['nb\u00A0sp', 'nb\\xa0sp'],
    ['tag\u{E0041}', 'tag\\u{e0041}'],
    ['soft\u00ADhyphen', 'soft\\xadhyphen'],
    ['\u3164filler', '\\u3164filler'],
    ['lone\uD800', 'lone\\ud800'],
    ['<img src=x>', '<img src=x>'],
    ['Größe 数 🙂', 'Größe 数 🙂'],
  ])('%j', (given, shown) => expect(safe(given)).toBe(shown));
  test('letters do not climb', () => expect(safe('z' + '\u0351'.repeat(50) + 'q')).toBe('z\u0351\u0351q'));
  test('at most so long, counted in characters', () => {
    expect(safe('x'.repeat(300), 10)).toBe('xxxxxxxxxx…');
    expect(safe('🙂🙂🙂', 2)).toBe('🙂🙂…');
  });
  test('nothing is nothing', () => expect([safe(null), safe(undefined), safe('')]).toEqual(['', '', '']));
});

test('hashes and addresses by their ends', () => {
  expect(shortHash('00000000000000000001aabbccddeeff0011223344556677889900aabbccddee')).toBe('000000…bbccddee');
  expect(shortAddress(`${'a'.repeat(51)}vwxyz.onion:8333`)).toBe('aaaaaaaa…vwxyz.onion:8333');
  expect(shortAddress('1.2.3.4:8333')).toBe('1.2.3.4:8333');
  expect(shortAddress('[2a09:4fcf:2b92:d213:7e8a:5229:6591:9d71]:42833')).toBe('[2a09:4fcf:2b92:…:9d71]:42833');
  expect(shortAddress('[2a09:4fcf:2b92:d213:7e8a::9d71]:42833')).toBe('[2a09:4fcf:2b92:…:9d71]:42833');
  expect(shortAddress('[2001:db8::1]:8333')).toBe('[2001:db8::1]:8333');
  expect(shortAddress('[2001:db8::7e8a:5229:6591:9d71]:42833')).toBe('[2001:db8::7e8a:5229:6591:9d71]:42833');
});
