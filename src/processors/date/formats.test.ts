import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readerOf, writerOf } from './formats.ts';
import { parsePattern } from './pattern.ts';
import { zoneOf } from './zone.ts';

const UTC = zoneOf('UTC');

describe('patterns', () => {
  const wrong: [pattern: string, message: string][] = [
    ['yyyy-bb', 'Unknown pattern letter: b'],
    ['ddd', 'Too many pattern letters: d'],
    ['VVV', 'Pattern letter count must be 2: V'],
    ['XXXXXX', 'Too many pattern letters: X'],
    ["yyyy'x", 'Pattern ends with an incomplete string literal'],
    ['yyyy]', 'Pattern invalid as it contains ] without previous ['],
    ['yyyy{MM}', "Pattern includes reserved character: '{'"],
    ['G yyyy', 'the pattern letter [G] is not supported'],
    ['yyyy QQQ', '[QQQ] (quarters by name) is not supported'],
  ];
  for (const [pattern, message] of wrong) {
    test(`[${pattern}] is refused`, () =>
      assert.throws(() => parsePattern(pattern), { message: `Invalid format: [${pattern}]: ${message}` }));
  }

  const roundTrip = [
    "yyyy-MM-dd'T'HH:mm:ss.SSSSSSSSSXXX",
    "uuuuMMdd''HHmmss.n",
    'EEEE, d MMMM yyyy hh:mm:ss.SSSSSSSSS a x',
    'yyyy-DDD k:m:s n xxxx',
    'yyyy/M/d N O',
  ];
  for (const pattern of roundTrip) {
    test(`[${pattern}] reads what it wrote`, () => {
      const read = readerOf(pattern);
      const write = writerOf(pattern);
      fc.assert(
        fc.property(
          fc.integer({ min: -60_000_000_000, max: 200_000_000_000 }),
          fc.integer({ min: 0, max: 999_999_999 }),
          fc.constantFrom('UTC', 'Europe/Paris', 'America/St_Johns', '+14:00'),
          (epochSecond, nano, id) => {
            // Offsets with seconds, and an hour that came twice, cannot be written with every pattern.
            const zone = pattern.includes('x') || pattern.includes('X') || pattern.includes('O') ? zoneOf(id) : UTC;
            if (zone.offsetAt(epochSecond) % 60 !== 0) return;
            const moment = { epochSecond, nano };
            const text = write(moment, zone);
            const back = read(text, UTC, 'en', 0);
            // A double holds nanoseconds of a day only in part.
            const exact = pattern.includes('N') ? { ...back, nano: moment.nano } : back;
            assert.deepEqual(exact, moment, text);
          },
        ),
        { numRuns: 50 },
      );
    });
  }
});

describe('what a text leaves out', () => {
  const now = Date.parse('2024-06-15T00:00:00Z');
  const cases: [pattern: string, text: string, expected: string][] = [
    ['HH:mm', '03:04', '2024-01-01T03:04:00Z'],
    ['MMM d', 'Feb 29', '2024-02-29T00:00:00Z'],
    ['MMM d HH:mm:ss', 'Feb 31 01:02:03', '2024-02-29T01:02:03Z'],
    ['yyyy', '1999', '1999-01-01T00:00:00Z'],
    ['yyyy h:mm', '1999 3:04', '1999-01-01T00:00:00Z'],
    ['mm:ss', '03:04', '2024-01-01T00:00:00Z'],
  ];
  for (const [pattern, text, expected] of cases) {
    test(`${pattern}: ${text}`, () =>
      assert.deepEqual(readerOf(pattern)(text, UTC, 'en', now), { epochSecond: Date.parse(expected) / 1000, nano: 0 }));
  }
});
