import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SimulatedClock } from '../../../test/simulation/world.ts';
import { DeploymentCounters } from '../deployment-counters.ts';
import { AdaptiveAllocations, TICK_MS, wanted, ZERO_AFTER_MS } from './adaptive.ts';

const silent = { info: () => {}, warn: () => {} };

/** A deployment under a load that the test sets: `rate` requests a second, each `seconds` of an allocation. */
class Loaded {
  readonly clock = new SimulatedClock();
  readonly counters = new DeploymentCounters(this.clock);
  rate = 0;
  seconds = 0.1;
  queued = 0;
  target = 1;
  readonly scaled: number[] = [];
  failing = false;
  #heard = () => {};

  get stats() {
    const { counters, queued, target } = this;
    return {
      counters,
      queued,
      queue_capacity: 1024,
      allocations: target,
      target_allocations: target,
      running: 0,
      restarts: 0,
      timeouts: 0,
    };
  }

  async scale(count: number): Promise<void> {
    if (this.failing) throw new Error('no memory');
    this.scaled.push(count);
    this.target = count;
  }

  onRequest(run: () => void): void {
    this.#heard = run;
  }

  request(): void {
    this.counters.arrived();
    this.#heard();
  }

  /** Lets the load go on for so many looks. */
  async pass(looks: number): Promise<void> {
    for (let look = 0; look < looks; look += 1) {
      const asked = this.rate * (TICK_MS / 1000);
      this.counters.asked += asked;
      this.counters.inference_count += asked;
      this.counters.busy += asked * this.seconds;
      const until = this.clock.passed + TICK_MS;
      this.clock.after(TICK_MS, () => {});
      await this.clock.run(() => this.clock.passed >= until, 100);
    }
  }
}

const follow = (loaded: Loaded, min: number, max: number) =>
  new AdaptiveAllocations({
    id: 'd',
    options: { min_number_of_allocations: min, max_number_of_allocations: max },
    deployment: loaded,
    clock: loaded.clock,
    log: silent,
  });

describe('adaptive allocations', () => {
  test('grow with the load up to their bound, and shrink when it has been small for a while', async () => {
    const loaded = new Loaded();
    const adaptive = follow(loaded, 1, 4);
    loaded.rate = 25;
    await loaded.pass(4);
    assert.equal(loaded.target, 3, '25 requests of 100 ms a second keep 2.5 at work');
    loaded.rate = 100;
    await loaded.pass(4);
    assert.equal(loaded.target, 4);
    loaded.rate = 1;
    await loaded.pass(10);
    assert.equal(loaded.target, 4, 'not so soon after it grew');
    await loaded.pass(40);
    assert.equal(loaded.target, 1);
    adaptive.stop();
  });

  test('grow for a backlog, whatever the rate', async () => {
    const loaded = new Loaded();
    const adaptive = follow(loaded, 1, 8);
    loaded.rate = 9;
    loaded.queued = 300;
    await loaded.pass(1);
    assert.equal(loaded.target, 5, '0.9 for the rate and 3 to work off the backlog in ten seconds');
    adaptive.stop();
  });

  test('end after a day without requests where none is the least, and begin with the next request', async () => {
    const loaded = new Loaded();
    const adaptive = follow(loaded, 0, 2);
    await loaded.pass(ZERO_AFTER_MS / TICK_MS - 1);
    assert.equal(loaded.target, 1);
    await loaded.pass(2);
    assert.equal(loaded.target, 0);
    await loaded.pass(10);
    assert.deepEqual(loaded.scaled, [0]);
    loaded.request();
    assert.equal(loaded.target, 1, 'at once');
    adaptive.stop();
  });

  test('keep what there is where a new one cannot be loaded, and try again', async () => {
    const loaded = new Loaded();
    const adaptive = follow(loaded, 1, 4);
    loaded.rate = 25;
    loaded.failing = true;
    await loaded.pass(3);
    assert.equal(loaded.target, 1);
    loaded.failing = false;
    await loaded.pass(2);
    assert.equal(loaded.target, 3);
    adaptive.stop();
    loaded.rate = 100;
    await loaded.pass(3);
    assert.equal(loaded.target, 3, 'stopped');
  });

  test('what is wanted is enough for the load, and never grows where the load shrinks', () => {
    const load = fc.record({
      rate: fc.double({ min: 0, max: 1000, noNaN: true }),
      seconds: fc.double({ min: 0, max: 2, noNaN: true }),
      queued: fc.nat(2000),
      allocations: fc.integer({ min: 1, max: 64 }),
    });
    fc.assert(
      fc.property(load, fc.double({ min: 0, max: 1, noNaN: true }), (now, share) => {
        const count = wanted(now);
        assert.ok(count >= 1 && count >= now.rate * now.seconds);
        assert.ok(wanted({ ...now, rate: now.rate * share }) <= count);
        assert.ok(wanted({ ...now, allocations: count }) <= count, 'it comes to rest');
      }),
    );
  });
});
