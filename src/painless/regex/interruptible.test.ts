import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InterruptedError, runInterruptible } from './interruptible.ts';

const endless = (): boolean => /(a+)+$/.test(`${'a'.repeat(40)}!`);

test('catastrophic backtracking stops when the time is up, and work goes on', () => {
  const start = performance.now();
  assert.throws(() => runInterruptible(endless, 50), InterruptedError);
  assert.ok(performance.now() - start < 2000);
  assert.equal(
    runInterruptible(() => 1 + 1, 1000),
    2,
  );
  assert.equal(/a+$/.test('baa'), true);
});

test('what the function throws passes as it is', () => {
  const error = new RangeError('mine');
  assert.throws(
    () =>
      runInterruptible(() => {
        throw error;
      }, 1000),
    (thrown: unknown) => thrown === error,
  );
  assert.throws(
    () =>
      runInterruptible(() => {
        throw 'text';
      }, 1000),
    (thrown: unknown) => thrown === 'text',
  );
  assert.equal(
    runInterruptible(() => undefined, 1000),
    undefined,
  );
});

test('runs nest: the inner limit ends the inner run', () => {
  const answer = runInterruptible(() => {
    assert.throws(() => runInterruptible(endless, 30), InterruptedError);
    return runInterruptible(() => 'inner', 1000);
  }, 5000);
  assert.equal(answer, 'inner');
});

test('runs nest: the outer limit ends both', () => {
  assert.throws(
    () => runInterruptible(() => runInterruptible(endless, 60_000), 50),
    (error: unknown) => error instanceof InterruptedError && error.message.includes('50 ms'),
  );
  assert.equal(
    runInterruptible(() => 3, 1000),
    3,
  );
});

test('microtasks run after it, in their order', async () => {
  const order: string[] = [];
  const later = Promise.resolve().then(() => {
    order.push('first');
    assert.throws(() => runInterruptible(endless, 30), InterruptedError);
  });
  runInterruptible(() => {
    queueMicrotask(() => order.push('second'));
  }, 1000);
  order.push('now');
  await later;
  await Promise.resolve();
  assert.deepEqual(order, ['now', 'first', 'second']);
});
