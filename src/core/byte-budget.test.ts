import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteBudget } from './byte-budget.ts';

test('one that stands still leaves room for the others, on every level', () => {
  const process = new ByteBudget(1000);
  const [stuck, moving] = [new ByteBudget(800, process), new ByteBudget(800, process)];
  while (!stuck.full) stuck.take(10);
  assert.equal(stuck.used, 500);
  assert.equal(moving.full, false);
  while (!moving.full) moving.take(10);
  assert.equal(moving.used, 250);
  const [first, second] = [new ByteBudget(800, moving), new ByteBudget(800, moving)];
  assert.equal(first.full, true, 'what is full above is full below');
  moving.give(250);
  while (!first.full) first.take(10);
  assert.ok(first.used <= 300, `${first.used}`);
  assert.equal(second.full, false);
});

test('who waits is woken when its own documents or the others have gone, once', () => {
  const above = new ByteBudget(100);
  const [one, other] = [new ByteBudget(100, above), new ByteBudget(100, above)];
  one.take(60);
  other.take(20);
  let woken = 0;
  other.whenRoom(() => {
    woken += 1;
  });
  assert.equal(woken, 0, 'it is waiting, although it holds less than the other');
  for (let n = 0; n < 6; n += 1) one.give(10);
  assert.equal(woken, 1);
  other.give(20);
  assert.equal(woken, 1);
});

test('giving back more than was taken is a fault', () => {
  const budget = new ByteBudget(10);
  budget.take(5);
  assert.throws(() => budget.give(6), RangeError);
});

test('whatever is taken and given, the sums agree, a full tree never sleeps for ever, and overshoot is one step', () => {
  const step = fc.record({ leaf: fc.nat(5), bytes: fc.integer({ min: 1, max: 400 }), give: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const root = new ByteBudget(2000);
      const streams = [new ByteBudget(1500, root), new ByteBudget(1000, root)];
      const leaves = Array.from({ length: 6 }, (_, n) => {
        const above = streams[n % 2]!;
        return { budget: new ByteBudget(above.limit, above), held: [] as number[], waiting: false };
      });
      for (const { leaf, bytes, give } of steps) {
        const at = leaves[leaf]!;
        if (give) {
          const held = at.held.shift();
          if (held !== undefined) at.budget.give(held);
        } else if (!at.waiting) {
          at.budget.take(bytes);
          at.held.push(bytes);
          if (at.budget.full) {
            at.waiting = true;
            at.budget.whenRoom(() => {
              at.waiting = false;
            });
          }
        }
        assert.equal(
          root.used,
          leaves.reduce((sum, { held }) => sum + held.reduce((own, one) => own + one, 0), 0),
        );
        assert.ok(root.used <= root.limit + 400, `${root.used}`);
      }
      for (const { budget, held } of leaves) for (const bytes of held) budget.give(bytes);
      assert.deepEqual(
        leaves.map(({ waiting }) => waiting),
        leaves.map(() => false),
      );
      assert.equal(root.used, 0);
    }),
  );
});
