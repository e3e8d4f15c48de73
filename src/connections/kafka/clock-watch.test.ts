import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchClock } from './clock-watch.ts';

test('notices a time of day that was set back, once, and none that was set forward or drifts', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let [now, monotonic, noticed] = [10_000_000, 0, 0];
  const end = watchClock(
    () => {
      noticed += 1;
    },
    1000,
    { now: () => now, monotonic: () => monotonic },
  );
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      now += 1000;
      monotonic += 1000;
      t.mock.timers.tick(1000);
    }
  };
  pass(5);
  now += 86_400_000;
  pass(5);
  now -= 500;
  pass(5);
  assert.equal(noticed, 0);
  now -= 3_600_000;
  pass(5);
  assert.equal(noticed, 1);
  end();
  now -= 3_600_000;
  pass(5);
  assert.equal(noticed, 1);
});
