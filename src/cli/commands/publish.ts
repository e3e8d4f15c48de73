import { join } from 'node:path';
import { KAFKA_CONNECTION } from '../../connections/kafka/options.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Override } from '../load-stream.ts';
import { pick } from './replay.ts';
import { run } from './run.ts';

export interface PublishOptions {
  readonly from: readonly string[];
  /** Default: the topic that the file reads. */
  readonly topic?: string;
  /** Template of the key, so that versions of one document stay in order. */
  readonly key?: string;
  readonly checkpoint?: string;
  readonly resume?: boolean;
  readonly limit?: number;
  readonly rate?: number;
  readonly json?: boolean;
}

/**
 * Writes the documents of a dump, as they are, to the topic that a pipeline file reads: its consumer group shares the
 * backfill, and every worker that is added takes its part.
 */
export const publish = (file: string, options: PublishOptions): Promise<number> => {
  const { from, topic, key, checkpoint, ...others } = options;
  const override: Override = (config) => {
    const kafka = (config.source as { kafka?: Record<string, unknown> } | undefined)?.kafka;
    const target = topic ?? onlyTopic(kafka?.topics);
    if (kafka === undefined || target === undefined)
      throw new SluiceError('SLUICE_USAGE', 'nothing says which topic to write to', {
        place: file,
        hint: 'The pipeline file reads Kafka, but not a single topic: name one with --topic.',
      });
    const connection = pick(kafka, KAFKA_CONNECTION);
    const name = typeof config.name === 'string' ? config.name : file.replace(/[^a-zA-Z0-9._-]+/g, '-');
    const dead = config.dead_letter as { kafka?: Record<string, unknown> } | undefined;
    if (dead?.kafka !== undefined && dead.kafka.brokers === undefined) Object.assign(dead.kafka, connection);
    config.source = {
      dump: { paths: [...from], checkpoint: checkpoint ?? join('.sluice', `${name}.publish.json`) },
    };
    config.sink = { kafka: { ...connection, topic: target, ...(key !== undefined && { key }) } };
    for (const part of ['processors', 'on_failure', 'pipelines', 'models']) delete config[part];
  };
  return run([file], { ...others, override });
};

/** A pattern is no topic to write to, and of several nobody knows which. */
const onlyTopic = (topics: unknown): string | undefined => {
  const names = [topics].flat();
  const [name] = names;
  return names.length === 1 && typeof name === 'string' && !name.startsWith('/') ? name : undefined;
};
