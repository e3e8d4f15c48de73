import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../core/clock.ts';
import { Breakers } from './breaker.ts';

const setUp = () => {
  const timers: { ms: number; run: () => void }[] = [];
  const clock = {
    after: (ms: number, run: () => void) => {
      timers.push({ ms, run });
      return () => {};
    },
  } as unknown as Clock;
  const breakers = new Breakers({ clock, random: () => 1, backoff: { initial_ms: 100, max_ms: 1000 } });
  return { timers, breakers, breaker: breakers.of({ destination: 'http://one' }) };
};
const never = new AbortController().signal;

/** Which of some entries are through. */
const watch = (entries: readonly (Promise<void> | undefined)[]): boolean[] => {
  const through = entries.map((entry) => entry === undefined);
  entries.forEach((entry, index) =>
    entry?.then(
      () => {
        through[index] = true;
      },
      () => {},
    ),
  );
  return through;
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('five failures open it; then one asks at a time, with growing pauses, until an answer lets all through', async () => {
  const { timers, breaker } = setUp();
  for (let n = 0; n < 5; n += 1) {
    assert.equal(breaker.enter(never), undefined);
    breaker.failed();
  }
  assert.equal(breaker.state, 'open');
  const through = watch([breaker.enter(never), breaker.enter(never), breaker.enter(never)]);
  await turn();
  assert.deepEqual(through, [false, false, false]);
  assert.equal(timers[0]!.ms, 100);
  timers[0]!.run();
  await turn();
  assert.deepEqual(through, [true, false, false]);
  breaker.failed();
  assert.equal(timers[1]!.ms, 200);
  timers[1]!.run();
  await turn();
  assert.deepEqual(through, [true, true, false]);
  breaker.answered();
  await turn();
  assert.deepEqual([through, breaker.state], [[true, true, true], 'closed']);
});

test('an answer in between begins the count anew', () => {
  const { breaker } = setUp();
  for (let n = 0; n < 20; n += 1) {
    breaker.failed();
    if (n % 4 === 3) breaker.answered();
  }
  assert.equal(breaker.state, 'closed');
});

test('a probe that was given up makes way for the next, and who no longer waits is not let through', async () => {
  const { timers, breaker } = setUp();
  for (let n = 0; n < 5; n += 1) breaker.failed();
  const gone = new AbortController();
  const entries = [breaker.enter(never), breaker.enter(gone.signal), breaker.enter(never)];
  const through = watch(entries);
  gone.abort(new Error('stopping'));
  await assert.rejects(entries[1]!, /stopping/);
  timers[0]!.run();
  breaker.abandoned();
  await turn();
  assert.deepEqual(through, [true, false, true]);
});

test('streams to the same servers share one, others do not', () => {
  const { breakers, breaker } = setUp();
  assert.equal(breakers.of({ destination: 'http://one' }), breaker);
  assert.notEqual(breakers.of({ destination: 'http://two' }), breaker);
  assert.notEqual(breakers.of({}), breakers.of({}));
});
