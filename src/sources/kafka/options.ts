import { z } from 'zod';
import { codecOptions } from '../../codecs/table.ts';
import { bytes, duration } from '../../config/units.ts';
import { kafkaConnection } from '../../connections/kafka/options.ts';

const bound = z
  .union([z.string(), z.number().int().min(0)])
  .refine(
    (value) => /^(\d+|earliest|latest)$/.test(String(value)) || !Number.isNaN(Date.parse(String(value))),
    'neither an offset nor a time: write it like 1200 or 2026-01-31T12:00:00Z',
  );

export const kafkaSourceOptions = z
  .strictObject({
    ...kafkaConnection,
    topics: z
      .union([z.string(), z.array(z.string()).min(1)])
      .describe('Topics; `/^news-.*/` is a pattern, and finds topics that come later too.'),
    codec: codecOptions.describe('How values are encoded.'),
    group_id: z.string().min(1).describe('Consumer group: workers with the same one share the partitions.'),
    group_instance_id: z
      .string()
      .regex(/^\S+$/, 'must not hold spaces')
      .optional()
      .describe(
        'Static membership: a name of this worker alone. Within session_timeout it gets its partitions back after a restart, and nothing moves. Needs `client: platformatic`.',
      ),
    group_protocol: z
      .enum(['classic', 'consumer'])
      .default('classic')
      .describe(
        'How the group shares its partitions: classic, or consumer (KIP-848, Kafka 4.0 or newer), where the brokers assign. Needs `client: platformatic`.',
      ),
    start: z
      .union([z.enum(['earliest', 'latest']), z.strictObject({ timestamp: z.union([z.string(), z.number()]) })])
      .default('earliest')
      .describe(
        'Where a partition begins that the group has never committed: earliest, latest, or `timestamp: 2026-01-01T00:00:00Z`.',
      ),
    range: z
      .strictObject({
        start: bound.default('earliest').describe('First offset, or time of the first record.'),
        end: bound.optional().describe('Offset or time before which it ends; default: what was there at the start.'),
        checkpoint: z.string().optional().describe('File that keeps how far reading came, for `--resume`.'),
      })
      .optional()
      .describe(
        'A part of the topics is read once, beside the group and without its offsets. `sluice replay --from kafka:START..END` sets it.',
      ),
    tombstones: z
      .enum(['delete', 'ignore', 'dead_letter'])
      .default('ignore')
      .describe('What a record without a value means.'),
    metadata_max_age: duration().default(60_000).describe('How long a new topic may go unnoticed by a pattern.'),
    session_timeout: duration().default(30_000),
    heartbeat_interval: duration().default(3000),
    rebalance_timeout: duration().default(60_000),
    fetch_max_bytes: bytes()
      .optional()
      .describe('Most of a fetch response; default a quarter of limits.in_flight_bytes, 16mb at most.'),
    fetch_max_wait: duration().default(500),
  })
  .superRefine((options, context) => {
    const { start, topics, heartbeat_interval, session_timeout, group_instance_id, group_protocol, client } = options;
    if (group_protocol === 'consumer' && client === 'kafkajs')
      context.addIssue({
        code: 'custom',
        path: ['group_protocol'],
        message: 'client: kafkajs speaks classic only; set `client: platformatic`, or leave group_protocol out',
      });
    if (group_instance_id !== undefined && client === 'kafkajs')
      context.addIssue({
        code: 'custom',
        path: ['group_instance_id'],
        message: 'client: kafkajs has no static membership; set `client: platformatic`, or leave group_instance_id out',
      });
    if (typeof start === 'object' && Number.isNaN(timestampOf(start.timestamp)))
      context.addIssue({
        code: 'custom',
        path: ['start', 'timestamp'],
        message: 'not a time: write it like 2026-01-01T00:00:00Z, or as milliseconds since 1970',
      });
    for (const topic of [topics].flat()) {
      try {
        topicPattern(topic);
      } catch {
        context.addIssue({
          code: 'custom',
          path: ['topics'],
          message: `the pattern [${topic}] is not a regular expression`,
        });
      }
    }
    if (heartbeat_interval * 3 > session_timeout)
      context.addIssue({
        code: 'custom',
        path: ['heartbeat_interval'],
        message: 'must be a third of session_timeout at most',
      });
  });
export type KafkaSourceOptions = z.output<typeof kafkaSourceOptions>;

export const timestampOf = (timestamp: string | number): number =>
  typeof timestamp === 'number' ? timestamp : Date.parse(timestamp);

/** `/…/` is a pattern, everything else a name. */
export const topicPattern = (topic: string): string | RegExp => {
  const match = /^\/(.+)\/$/.exec(topic);
  return match === null ? topic : new RegExp(match[1]!);
};
