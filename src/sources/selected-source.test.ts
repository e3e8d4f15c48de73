import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jsonCodec } from '../codecs/json.ts';
import type { Source, SourcePort, SourceRecord } from '../core/contracts.ts';
import { PacedSource } from './paced-source.ts';
import { millisOf, SelectedSource, type Selection, selectionText } from './selected-source.ts';

const recordOf = (document: unknown, n: number): SourceRecord => ({
  position: BigInt(n),
  next: BigInt(n + 1),
  bytes: 100,
  value: Buffer.from(JSON.stringify(document)),
  key: null,
  headers: {},
  timestamp: undefined,
  defaultId: () => `id-${n}`,
  origin: () => ({ name: '_file', fields: {} }),
});

/** Delivers what it is given, as a fetch does: all at once. */
class Fetch implements Source {
  readonly type = 'fetch';
  port: SourcePort | undefined;
  paused = false;
  stopped = false;
  async start(port: SourcePort): Promise<void> {
    this.port = port;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  async commit(): Promise<void> {}
  async stop(): Promise<void> {
    this.stopped = true;
  }
  async close(): Promise<void> {}
}

const portOf = () => {
  const got: SourceRecord[] = [];
  const told: string[] = [];
  const port: SourcePort = {
    assigned: () => undefined,
    revoked: () => {},
    deliver: (_, records) => void got.push(...records),
    full: false,
    room: async () => {},
    ended: () => void told.push('ended'),
    failed: () => void told.push('failed'),
    trouble: () => {},
  };
  return { got, told, port };
};

const select = (selection: Selection, documents: readonly unknown[]) => {
  const inner = new Fetch();
  let passedOver = 0;
  const source = new SelectedSource(inner, selection, jsonCodec(), (documents) => {
    passedOver = documents;
  });
  const { got, told, port } = portOf();
  void source.start(port);
  documents.forEach((document, n) => {
    inner.port!.deliver('p', [recordOf(document, n)]);
  });
  inner.port!.ended();
  return { got, told, inner, passedOver, numbers: got.map(({ position }) => Number(position)) };
};

const many = Array.from({ length: 4000 }, (_, n) => ({ n }));

describe('a selection', () => {
  test('samples the same documents each time, and about as many as were asked for', () => {
    const once = select({ sample: 0.1 }, many);
    assert.deepEqual(once.numbers, select({ sample: 0.1 }, many).numbers);
    assert.ok(Math.abs(once.numbers.length - 400) < 80, `${once.numbers.length}`);
    assert.equal(once.passedOver + once.numbers.length, many.length);
    const more = new Set(select({ sample: 0.3 }, many).numbers);
    assert.ok(
      once.numbers.every((n) => more.has(n)),
      'a larger sample holds the smaller one',
    );
  });

  test('of parts is everything, once, in shares of about one size', () => {
    const parts = [1, 2, 3].map((number) => select({ part: { number, of: 3 } }, many).numbers);
    assert.deepEqual(
      parts.flat().sort((a, b) => a - b),
      many.map(({ n }) => n),
    );
    for (const { length } of parts) assert.ok(Math.abs(length - 1333) < 150, `${length}`);
    const both = select({ sample: 0.3, part: { number: 1, of: 3 } }, many).numbers;
    assert.ok(Math.abs(both.length - 400) < 80, 'a sample of a part is drawn anew');
  });

  test('by time takes what lies within, and sends what has no time to the dead letter', () => {
    const time = { field: 'at.time', since: Date.parse('2024-01-01'), until: Date.parse('2024-02-01') };
    const { got, numbers } = select({ time }, [
      { at: { time: '2024-01-01' } },
      { at: { time: '2023-12-31T23:59:59.999Z' } },
      { 'at.time': Date.parse('2024-01-31T23:59:59Z') },
      { at: { time: '2024-02-01T00:00:00Z' } },
      { at: { time: '2024-02-01T00:30:00+01:00' } },
      { at: {} },
      [1],
    ]);
    assert.deepEqual(numbers, [0, 2, 4, 5, 6]);
    assert.throws(() => got[3]!.codec!.decode(got[3]!.value!, {}), /field \[at.time\] holds no time/);
    assert.equal(got[4]!.codec, undefined);
  });

  test('ends at its limit, within a delivery, and counts only what is selected', () => {
    const { numbers, told, inner } = select({ limit: 5, sample: 0.5 }, many);
    assert.deepEqual(numbers, select({ sample: 0.5 }, many).numbers.slice(0, 5));
    assert.deepEqual([told, inner.stopped], [['ended'], true]);
  });

  test('is written down without its limit', () => {
    assert.equal(selectionText({ limit: 3 }), undefined);
    assert.equal(
      selectionText({ sample: 0.1, part: { number: 1, of: 2 }, time: { field: 't', since: 1, until: 2 } }),
      'sample 0.1, part 1/2, t from 1 to 2',
    );
  });

  test('reads times as Elasticsearch does', () => {
    const noon = Date.parse('2024-05-01T12:00:00Z');
    for (const value of [
      '2024-05-01T12:00:00Z',
      '2024-05-01T12:00:00',
      '2024-05-01T14:00:00+02:00',
      noon,
      `${noon}`,
      BigInt(noon),
      [noon],
    ])
      assert.equal(millisOf(value), noon, String(value));
    for (const value of [undefined, null, true, '', 'noon', {}]) assert.ok(Number.isNaN(millisOf(value)));
  });
});

/** Time that is stepped by hand. */
const handClock = () => {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    soon: (run: () => void) => run(),
    after: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    step: (ms: number) => {
      for (const end = now + ms; now < end; ) {
        now += 1;
        const due = timers.filter(({ at }) => at <= now);
        timers = timers.filter(({ at }) => at > now);
        for (const { run } of due) run();
      }
    },
  };
};

describe('a paced source', () => {
  const paced = async (rate: number) => {
    const inner = new Fetch();
    const clock = handClock();
    const source = new PacedSource(inner, rate, clock);
    const { got, told, port } = portOf();
    await source.start(port);
    return { inner, clock, source, got, told };
  };

  test('hands a fetch over at its rate, and fetches no more meanwhile', async () => {
    const { inner, clock, got, told } = await paced(100);
    inner.port!.deliver(
      'p',
      many.slice(0, 300).map((document) => recordOf(document, document.n)),
    );
    inner.port!.ended();
    assert.equal(inner.paused, true);
    for (let second = 1; second <= 3; second += 1) {
      clock.step(1000);
      assert.ok(Math.abs(got.length - 100 * second) <= 10, `${got.length} after ${second} s`);
    }
    clock.step(200);
    assert.deepEqual(
      got.map(({ position }) => Number(position)),
      many.slice(0, 300).map(({ n }) => n),
    );
    assert.deepEqual([inner.paused, told], [false, ['ended']]);
    clock.step(60_000);
    inner.port!.deliver(
      'p',
      many.slice(0, 300).map((document) => recordOf(document, document.n)),
    );
    assert.ok(got.length <= 310, 'a quiet minute is not saved up');
  });

  test('may be slower than one a second', async () => {
    const { inner, clock, got } = await paced(0.5);
    inner.port!.deliver(
      'p',
      many.slice(0, 3).map((document) => recordOf(document, document.n)),
    );
    clock.step(7000);
    assert.equal(got.length, 3);
  });

  test('stands still while there is no room, and lets go of what is revoked', async () => {
    const { inner, clock, source, got } = await paced(100);
    inner.port!.deliver(
      'p',
      many.slice(0, 50).map((document) => recordOf(document, document.n)),
    );
    inner.port!.deliver(
      'q',
      many.slice(50, 60).map((document) => recordOf(document, document.n)),
    );
    source.pause();
    clock.step(5000);
    assert.equal(got.length, 0);
    inner.port!.revoked('p');
    source.resume();
    clock.step(1000);
    assert.deepEqual(
      got.map(({ position }) => Number(position)),
      many.slice(50, 60).map(({ n }) => n),
    );
    assert.equal(inner.paused, false);
  });

  test('stops at once, and a reader that waits for room is let go', async () => {
    const { inner, source } = await paced(1);
    inner.port!.deliver(
      'p',
      many.slice(0, 50).map((document) => recordOf(document, document.n)),
    );
    const room = inner.port!.room();
    await source.stop();
    await room;
    assert.equal(inner.stopped, true);
  });
});
