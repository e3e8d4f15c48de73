import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../core/clock.ts';
import type { Sink, WriteItem } from '../core/contracts.ts';
import { Breaker } from './breaker.ts';
import { type Write, Writer } from './writer.ts';

const LIMITS = { max_documents: 10, max_bytes: 1000, max_age_ms: 1, max_in_flight: 2 };
const item = (key: string): WriteItem => ({ key, bytes: 10 });

const writerOver = (sink: Partial<Sink>, holds: () => boolean) => {
  const events: string[] = [];
  const tell = (what: string) => (write: Write) => void events.push(`${what} ${write.item.key}`);
  const writer = new Writer<Write>({
    sink: { type: 'test', limits: LIMITS, ...sink } as Sink,
    clock: systemClock,
    random: Math.random,
    signal: AbortSignal.timeout(10_000),
    holds,
    breaker: new Breaker({ clock: systemClock, random: Math.random }),
    events: {
      delivered: tell('delivered'),
      refused: tell('refused'),
      cancelled: tell('cancelled'),
      blocked: () => {},
      retried: () => {},
      broken: (error) => void events.push(`broken ${String(error)}`),
    },
  });
  return { writer, events };
};

test('what was asked before the process was stopped is asked again before anything is written', async () => {
  let holds = true;
  let looks = 0;
  const written: boolean[] = [];
  const { writer, events } = writerOver(
    {
      look: async () => {
        looks += 1;
        // Stopped for longer than the session while the first answer was on its way; its partitions are others' now.
        if (looks === 1) {
          holds = false;
          setTimeout(() => {
            lost.cancelled = true;
            holds = true;
          }, 50);
        }
      },
      write: async (items) => {
        written.push(holds);
        return items.map(() => ({ outcome: 'delivered' as const }));
      },
    },
    () => holds,
  );
  const lost = { item: item('lost'), bytes: 10, cancelled: false };
  writer.add(lost);
  writer.add({ item: item('kept'), bytes: 10, cancelled: false });
  writer.flush();
  for (let tries = 0; tries < 200 && events.length < 2; tries += 1) await new Promise((done) => setTimeout(done, 10));
  assert.deepEqual(events, ['cancelled lost', 'delivered kept']);
  assert.deepEqual([looks, written], [2, [true]]);
});
