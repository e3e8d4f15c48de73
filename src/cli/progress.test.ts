import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leftOf, shareOf } from './progress.ts';

test('the share of the work that is done counts what is settled, not what was read', () => {
  assert.equal(shareOf(0, 100, { read: 0, settled: 0 }), 0);
  assert.equal(shareOf(100, 100, { read: 1000, settled: 10 }), 0.01);
  assert.equal(shareOf(50, 100, { read: 1000, settled: 1000 }), 0.5);
  assert.equal(shareOf(100, 100, { read: 1000, settled: 1000 }), 1);
  assert.equal(shareOf(0, 0, { read: 5, settled: 5 }), 0, 'standard input has no size');
});

test('the time that is left is told once the pace says something', () => {
  assert.deepEqual(
    [
      [0, 10],
      [0.5, 1],
      [0.5, 30],
      [0.1, 60],
      [0.01, 3600],
      [1, 60],
    ].map(([share, seconds]) => leftOf(share!, seconds!)),
    ['', '', '30 s left', '9 min left', '99.0 h left', ''],
  );
});
