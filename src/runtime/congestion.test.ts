import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../core/clock.ts';
import { Congestion } from './congestion.ts';

const LIMITS = { max_documents: 1000, max_bytes: 8000, max_age_ms: 10, max_in_flight: 8, target_latency_ms: 500 };
const setUp = () => {
  let now = 0;
  const clock = { monotonic: () => now } as Clock;
  return {
    congestion: new Congestion(LIMITS, clock),
    at: (ms: number) => {
      now = ms;
    },
  };
};

test('it begins with all that is allowed, and a rejection halves the requests in flight, once for each round trip', () => {
  const { congestion, at } = setUp();
  assert.deepEqual([congestion.inFlight, congestion.max_documents, congestion.max_bytes], [8, 1000, 8000]);
  at(100);
  for (let n = 0; n < 8; n += 1) congestion.rejected(50);
  assert.equal(congestion.inFlight, 4, 'seven of the eight were sent before the cut');
  at(200);
  congestion.rejected(150);
  assert.equal(congestion.inFlight, 2);
});

test('where one request is left, rejections make it smaller, down to a 64th', () => {
  const { congestion, at } = setUp();
  for (let n = 1; n < 20; n += 1) {
    at(100 * n);
    congestion.rejected(100 * n - 1);
  }
  assert.deepEqual([congestion.inFlight, congestion.max_documents, congestion.max_bytes], [1, 15, 125]);
});

test('answers raise both again: one more request for each round of them', () => {
  const { congestion, at } = setUp();
  for (let n = 1; n < 20; n += 1) {
    at(100 * n);
    congestion.rejected(100 * n - 1);
  }
  for (let n = 0; n < 40; n += 1) congestion.taken(1900);
  assert.deepEqual([congestion.inFlight, congestion.max_documents], [8, 1000]);
});

test('a slow answer makes requests smaller and leaves their number alone', () => {
  const { congestion, at } = setUp();
  at(501);
  congestion.taken(0);
  assert.deepEqual([congestion.inFlight, congestion.max_documents], [8, 750]);
  at(600);
  congestion.tooLarge(550);
  assert.equal(congestion.max_documents, 375);
});

test('against a destination that takes four requests at once it stays near four', () => {
  const { congestion, at } = setUp();
  let taken = 0;
  let rejected = 0;
  for (let round = 1; round < 200; round += 1) {
    at(10 * round);
    const sent = congestion.inFlight;
    for (let n = 0; n < sent; n += 1) {
      if (n < 4) taken += 1;
      else rejected += 1;
      if (n < 4) congestion.taken(10 * round - 1);
      else congestion.rejected(10 * round - 1);
    }
  }
  assert.ok(taken > 199 * 2.5, `${taken} taken`);
  assert.ok(rejected < taken / 5, `${rejected} rejected`);
});
