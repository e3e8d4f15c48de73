import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulate.ts';

const SEEDS = 60;
const FIRST = 1;

test(`${SEEDS} histories with crashes, rebalances and a failing cluster lose and double nothing`, async () => {
  let faults = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const result = await simulate(seed);
    assert.deepEqual(result.problems.slice(0, 5), [], `seed ${seed}`);
    assert.ok(result.documents >= 500, `seed ${seed}: ${result.documents} documents`);
    assert.ok(result.faults >= 5, `seed ${seed}: only ${result.faults} faults`);
    faults += result.faults;
  }
  console.log(`${SEEDS} seeds from ${FIRST}, ${faults} faults`);
});

test('a wall clock that goes back an hour or forward a day changes nothing, whatever else goes wrong', async () => {
  let differ = 0;
  for (let seed = FIRST; seed < FIRST + 10; seed += 1) {
    const [jumps, steady] = [await simulate(seed), await simulate(seed, 'steady')];
    assert.deepEqual(jumps, steady, `seed ${seed}`);
    // An engine that measured by it is found out.
    const trusted = await simulate(seed, 'trusted');
    if (trusted.digest !== steady.digest || trusted.passed !== steady.passed) differ += 1;
  }
  assert.ok(differ >= 5, `${differ} of 10 histories differ where the engine trusts the wall clock`);
});

test('the same seed gives the same history', async () => {
  const [first, second] = [await simulate(7), await simulate(7)];
  assert.equal(first.digest, second.digest);
  assert.notEqual(first.digest, (await simulate(8)).digest);
});
