import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { Fifo } from './fifo.ts';

test('gives what it was given, in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constant('take'), fc.constant('clear'))),
      (steps) => {
        const fifo = new Fifo<number>();
        const model: number[] = [];
        let next = 0;
        for (const step of steps) {
          if (step === 'clear') assert.deepEqual(fifo.clear(), model.splice(0));
          else if (step === 'take') {
            const some = Math.ceil(model.length * 0.7) + 1;
            for (let count = 0; count < some; count += 1) {
              assert.equal(fifo.first, model[0]);
              assert.equal(fifo.take(), model.shift());
            }
          } else
            for (let count = 0; count < Number(step); count += 1) {
              fifo.push(next);
              model.push(next++);
            }
          assert.equal(fifo.length, model.length);
        }
      },
    ),
  );
});

test('lets go of what was taken while others still wait', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const fifo = new Fifo<object>();
  const taken = (() => {
    fifo.push({});
    fifo.push({});
    return new WeakRef(fifo.take()!);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.equal(taken.deref(), undefined);
  assert.equal(fifo.length, 1);
});
