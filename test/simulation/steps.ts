import type { Codec, Sink, WriteItem } from '../../src/core/contracts.ts';
import { ProcessorError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json/values.ts';
import { IngestFailure } from '../../src/pipeline/failure.ts';
import type { PipelineRunner } from '../../src/runtime/intake.ts';
import type { SimulatedRecord } from './record.ts';
import type { SimulatedClock } from './world.ts';

/** Decodes at once, or after a while where the schema has to be asked for. */
export const codecOf = (clock: SimulatedClock): Codec => ({
  type: 'simulated',
  decode: (value) => {
    const source = JSON.parse(Buffer.from(value).toString()) as JsonObject & SimulatedRecord;
    const broken = new ProcessorError('parse_exception', 'simulated');
    if (source.kind === 'broken') throw broken;
    const decoded = { source, raw: undefined };
    if (source.kind !== 'late' && source.kind !== 'late_broken') return decoded;
    return new Promise((resolve, reject) => {
      clock.after(source.wait, () => (source.kind === 'late' ? resolve(decoded) : reject(broken)));
    });
  },
});

/** What a time limit throws into a regular expression that holds the thread. */
class Interrupted extends Error {}

/** Fails, drops or keeps documents, some after a wait; an evil one is stopped from outside. */
export const pipelineOf = (clock: SimulatedClock, dropped: Set<string>): PipelineRunner => {
  let limited = false;
  return {
    guards: {
      slice: (work) => {
        try {
          work();
          return true;
        } catch (error) {
          if (error instanceof Interrupted) return false;
          throw error;
        }
      },
      eachMatch: (work) => {
        limited = true;
        work();
        limited = false;
      },
    },
    start: (document, hooks) => {
      const { kind, wait, partition, version } = document.source as unknown as SimulatedRecord & { partition: string };
      const fail = () => {
        const failure = new IngestFailure(new Error('simulated'), {
          processorType: 'fail',
          processorTag: undefined,
          pipelines: ['simulated'],
        });
        hooks.finished({ outcome: 'failed', failure });
      };
      const end = () => {
        if (kind === 'evil' && !limited) throw new Interrupted();
        if (kind === 'drop') dropped.add(`${partition}@${version}`);
        if (kind === 'fail' || kind === 'evil') fail();
        else hooks.finished({ outcome: kind === 'drop' ? 'dropped' : 'done' });
      };
      return { run: () => (wait === 0 ? end() : hooks.defer!(() => void clock.after(wait, () => hooks.resume!(end)))) };
    },
  };
};

export interface DeadLetterWorld {
  readonly clock: SimulatedClock;
  readonly random: () => number;
  readonly kept: Set<string>;
  readonly alive: () => boolean;
  /** How often a dead letter is refused. */
  readonly refusals: number;
}

/** Refuses some for their size; the smaller ones hardly ever. */
export const deadLetterSink = ({
  clock,
  random,
  kept,
  alive,
  refusals,
}: DeadLetterWorld): Sink<WriteItem & { place: string; large: boolean }> => {
  const seen = new Set<string>();
  return {
    type: 'simulated',
    limits: { max_documents: 20, max_bytes: 4000, max_age_ms: 15, max_in_flight: 3 },
    open: async () => {},
    close: async () => {},
    prepare: (document, record) => {
      const { origin } = document.source as { origin: { topic: string } };
      const place = `${origin.topic}@${record.position}`;
      const large = !seen.has(place);
      seen.add(place);
      return { key: undefined, bytes: 100, place, large };
    },
    write: (items) =>
      new Promise((resolve) => {
        if (!alive()) return;
        clock.after(random() * 20, () => {
          resolve(
            items.map(({ place, large }) => {
              if (random() < (large ? refusals : refusals / 20))
                return { outcome: 'document', fault: { type: 'too_large', reason: 'simulated' } };
              kept.add(place);
              return { outcome: 'delivered' };
            }),
          );
        });
      }),
  };
};
