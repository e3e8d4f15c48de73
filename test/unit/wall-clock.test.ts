import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { backoff } from '../../src/core/backoff.ts';
import { sleep } from '../../src/core/clock.ts';
import type { Source, SourcePort, SourceRecord } from '../../src/core/contracts.ts';
import { Batcher } from '../../src/runtime/batcher.ts';
import { Breaker } from '../../src/runtime/breaker.ts';
import { Committer } from '../../src/runtime/committer.ts';
import type { PartitionState } from '../../src/runtime/partition.ts';
import { PacedSource } from '../../src/sources/paced-source.ts';
import { SimulatedClock } from '../simulation/world.ts';

/** Notes the times of what it does, and is over after so many. */
type Timed = (clock: SimulatedClock, note: () => void) => void;

const TIMED: Readonly<Record<string, Timed>> = {
  'back-off grows': (clock, note) => {
    const next = async (attempt: number): Promise<void> => {
      await sleep(
        clock,
        backoff(attempt, () => 0.5),
      );
      note();
      return next(attempt + 1);
    };
    void next(1);
  },
  'batches leave at their age': (clock, note) => {
    const batcher = new Batcher({ max_documents: 100, max_bytes: 1000, max_age_ms: 500 }, clock, note);
    const feed = () => {
      batcher.add({ bytes: 1 });
      clock.after(120, feed);
    };
    feed();
  },
  'commits keep their interval': (clock, note) => {
    const partition = { name: 'a-0', revoked: false, watermark: { position: 1n } } as unknown as PartitionState;
    const committer = new Committer({
      clock,
      interval: 5000,
      commit: async () => note(),
      failed: (error) => assert.fail(String(error)),
    });
    const move = () => {
      committer.moved(partition);
      clock.after(700, move);
    };
    move();
  },
  'a breaker asks with growing pauses': (clock, note) => {
    const breaker = new Breaker({ clock, random: () => 0.5 });
    for (let n = 0; n < 5; n += 1) breaker.failed();
    const ask = async (): Promise<void> => {
      await breaker.enter(new AbortController().signal);
      note();
      breaker.failed();
      return ask();
    };
    void ask();
  },
  'a rate is kept, without a burst': (clock, note) => {
    const inner = {
      type: 'any',
      start: async (port: SourcePort) =>
        port.deliver(
          'a-0',
          Array.from({ length: 200 }, () => ({}) as SourceRecord),
        ),
      pause() {},
      resume() {},
    } as unknown as Source;
    const port = {
      deliver: (_: string, records: readonly unknown[]) => records.forEach(note),
    } as unknown as SourcePort;
    void new PacedSource(inner, 20, clock).start(port);
  },
};

/** When it happens, while the wall clock is set by so much every 90 ms. */
const timesOf = async (timed: Timed, jump: number): Promise<number[]> => {
  const clock = new SimulatedClock();
  const times: number[] = [];
  const set = () => {
    clock.jump(jump);
    clock.after(90, set);
  };
  set();
  timed(clock, () => void times.push(clock.passed));
  await clock.run(() => times.length >= 12, 10_000);
  return times;
};

describe('whatever the wall clock does', () => {
  for (const [what, timed] of Object.entries(TIMED))
    test(what, async () => {
      const steady = await timesOf(timed, 0);
      assert.ok(steady.at(-1)! > 500, `${steady}`);
      for (const jump of [-3_600_000, 86_400_000]) assert.deepEqual(await timesOf(timed, jump), steady);
    });
});

/** What may ask for the time of day, and why. Everything else measures how long something takes or waits. */
const TIME_OF_DAY: Readonly<Record<string, string>> = {
  'core/clock.ts': 'it is the clock',
  'core/document.ts': '_ingest.timestamp is a time of day',
  'inference/disk/segment.ts': 'files have times of day, and other processes compare them',
  'inference/disk/folder.ts': 'names of files sort by it; a wrong order evicts another one first',
  'connections/kafka/connect.ts': 'a start waits for a broker for some seconds',
  'connections/kafka/request-queue.ts': 'kafkajs sets what it is compared with',
  'connections/kafka/clock-watch.ts': 'looks for a clock that was set back',
  'connections/kafka/kafkajs-member.ts': 'kafkajs says when it asked',
};

test('nothing else asks for the time of day', () => {
  const src = fileURLToPath(new URL('../../src', import.meta.url));
  const asking = globSync('**/*.ts', { cwd: src }).filter(
    (file) => !file.endsWith('.test.ts') && readFileSync(`${src}/${file}`, 'utf8').includes('Date.now()'),
  );
  assert.deepEqual(
    asking.filter((file) => TIME_OF_DAY[file] === undefined),
    [],
  );
});
