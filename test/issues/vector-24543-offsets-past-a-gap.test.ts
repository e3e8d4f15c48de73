import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Watermark } from '../../src/runtime/watermark.ts';

// vectordotdev/vector#24543: an offset is committed although a record before it has not been delivered.
test('vector#24543: whatever the order in which documents end, no position lies past one that has not', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }).chain((count) =>
        fc.tuple(
          fc.shuffledSubarray(
            Array.from({ length: count }, (_, n) => n),
            { minLength: 0, maxLength: count },
          ),
          fc.constant(count),
        ),
      ),
      ([order, count]) => {
        const watermark = new Watermark<{ next: bigint; settled: boolean }>();
        const entries = Array.from({ length: count }, (_, n) => ({ next: BigInt(n + 1), settled: false }));
        for (const entry of entries) watermark.track(entry);
        const ended = new Set<number>();
        for (const n of order) {
          ended.add(n);
          const moved = watermark.settle(entries[n]!);
          let gap = 0;
          while (ended.has(gap)) gap += 1;
          assert.equal(watermark.position ?? 0n, BigInt(gap));
          assert.equal(moved, n < gap);
        }
      },
    ),
  );
});
