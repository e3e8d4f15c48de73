import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dayOfWeek, dayOfYear, epochDay, wallClock, wallSecond } from './calendar.ts';

test('days and clocks are those of JavaScript', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8_640_000_000_000, max: 8_640_000_000_000 }), (second) => {
      const date = new Date(second * 1000);
      const clock = wallClock(second);
      assert.deepEqual(clock, {
        year: date.getUTCFullYear(),
        month: date.getUTCMonth() + 1,
        day: date.getUTCDate(),
        hour: date.getUTCHours(),
        minute: date.getUTCMinutes(),
        second: date.getUTCSeconds(),
      });
      assert.equal(wallSecond(clock, { ...clock, nano: 0 }), second);
      assert.equal(dayOfWeek(clock) % 7, date.getUTCDay());
    }),
  );
});

test('days of the year are counted from 1', () => {
  assert.equal(epochDay({ year: 1970, month: 1, day: 1 }), 0);
  assert.equal(dayOfYear({ year: 2023, month: 12, day: 31 }), 365);
  assert.equal(dayOfYear({ year: 2024, month: 12, day: 31 }), 366);
});
