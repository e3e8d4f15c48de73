import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../../test/simulation/world.ts';
import { Minutes } from './minute.ts';

test('minutes: the last whole one, the largest one, and silence', async () => {
  const clock = new SimulatedClock();
  const pass = async (ms: number) => {
    const until = clock.passed + ms;
    clock.after(ms, () => {});
    await clock.run(() => clock.passed >= until, 10);
  };
  // The world of the clock begins in the middle of a minute.
  await pass(60_000 - (clock.monotonic() % 60_000));
  const minutes = new Minutes(clock);
  for (let index = 0; index < 5; index += 1) minutes.add(0.5);
  assert.deepEqual([minutes.last, minutes.peak], [{ count: 0, sum: 0 }, 0]);
  await pass(60_000);
  assert.deepEqual([minutes.last, minutes.peak], [{ count: 5, sum: 2.5 }, 5]);
  minutes.add();
  await pass(60_000);
  assert.deepEqual([minutes.last.count, minutes.peak], [1, 5]);
  await pass(180_000);
  assert.deepEqual([minutes.last.count, minutes.peak], [0, 5]);
});
