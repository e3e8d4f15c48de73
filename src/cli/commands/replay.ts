import { join } from 'node:path';
import type { Override } from '../load-stream.ts';
import { checkpointName, type SelectionOptions, selectionOf } from '../selection-options.ts';
import { type RunOptions, run } from './run.ts';

export interface ReplayOptions extends Omit<RunOptions, 'override' | 'selection'>, SelectionOptions {
  readonly from: readonly string[];
  readonly checkpoint?: string;
  readonly format?: string;
}

/** Runs a pipeline file over a dump: only the source is exchanged. */
export const replay = (file: string, options: ReplayOptions): Promise<number> =>
  run([file], { ...options, selection: selectionOf(options), override: dumpInstead(file, options) });

const dumpInstead =
  (file: string, { from, checkpoint, format, ...options }: ReplayOptions): Override =>
  (config) => {
    const source = (config.source ?? {}) as Record<string, Record<string, unknown> | undefined>;
    // A sink or dead letter topic without brokers took the source's connection, which is about to go.
    const {
      topics: _topics,
      group_id: _group,
      codec: _codec,
      start: _start,
      tombstones: _tombstones,
      ...connection
    } = source.kafka ?? {};
    for (const key of ['sink', 'dead_letter']) {
      const kafka = (config[key] as Record<string, Record<string, unknown>> | undefined)?.kafka;
      if (kafka !== undefined && kafka.brokers === undefined) Object.assign(kafka, pick(connection, CONNECTION));
    }
    const name = typeof config.name === 'string' ? config.name : file.replace(/[^a-zA-Z0-9._-]+/g, '-');
    config.source = {
      dump: {
        // How the pipeline file reads its own dump holds for this one too.
        ...source.dump,
        paths: [...from],
        checkpoint: checkpoint ?? join('.sluice', checkpointName(name, options)),
        ...(format !== undefined && { format }),
      },
    };
  };

const CONNECTION = ['brokers', 'client_id', 'tls', 'sasl', 'connect_timeout', 'request_timeout'];

const pick = (from: Record<string, unknown>, keys: readonly string[]) =>
  Object.fromEntries(keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key]]])));
