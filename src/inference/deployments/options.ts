import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { bytes } from '../../config/units.ts';
import { EXECUTION_PROVIDERS } from '../onnx/provider.ts';

const allocations = (least: number) => z.number().int().min(least).max(256);

export const adaptiveAllocations = z
  .strictObject({
    enabled: z.boolean().default(true),
    min_number_of_allocations: allocations(0)
      .default(0)
      .describe('0 lets a deployment without requests for a day end.'),
    max_number_of_allocations: allocations(1).optional().describe('Default: one for each core.'),
  })
  .refine(
    ({ min_number_of_allocations: min, max_number_of_allocations: max }) => min <= (max ?? availableParallelism()),
    'min_number_of_allocations cannot be larger than max_number_of_allocations',
  );
export type AdaptiveAllocationsOptions = z.output<typeof adaptiveAllocations>;

/** What may be changed while a deployment runs. */
const changeable = {
  number_of_allocations: allocations(1)
    .optional()
    .describe('Worker threads, each with its own session; default 1, or what adaptive_allocations says.'),
  adaptive_allocations: adaptiveAllocations.optional().describe('Follows the load between two bounds.'),
  queue_capacity: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Requests that may wait before others are refused with 429; default 1024.'),
};

const oneOfBoth = <
  T extends { number_of_allocations?: unknown; adaptive_allocations?: { enabled: boolean } | undefined },
>({
  number_of_allocations,
  adaptive_allocations,
}: T): boolean => number_of_allocations === undefined || adaptive_allocations?.enabled !== true;
const BOTH = '[number_of_allocations] cannot be set if adaptive allocations is enabled';

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-ml-start-trained-model-deployment */
export const deploymentOptions = z
  .strictObject({
    model_id: z.string().min(1).describe('id, alias or id@version in the model store, or a bundled model.'),
    deployment_id: z.string().min(1).optional().describe('Its own name; default: the model_id.'),
    ...changeable,
    threads_per_allocation: z
      .number()
      .int()
      .min(1)
      .max(32)
      .default(1)
      .refine(
        (threads) => (threads & (threads - 1)) === 0,
        '[threads_per_allocation] must be a power of 2 less than or equal to [32]',
      ),
    priority: z
      .enum(['normal', 'low'])
      .default('normal')
      .describe('low: one allocation with one thread, which gets what time the others leave.'),
    execution_provider: z
      .enum(EXECUTION_PROVIDERS)
      .optional()
      .describe('Where the graph runs; on the processor, with a warning, where the machine or the build has it not.'),
    cache_size: bytes().optional().describe('Results kept in memory; default 16mb, 0 keeps none.'),
    timeout: z
      .number()
      .int()
      .min(1)
      .default(300_000)
      .describe('Milliseconds one text may run before its thread is replaced.'),
  })
  .refine(oneOfBoth, BOTH)
  .refine(
    ({ priority, number_of_allocations: count = 1, threads_per_allocation: threads, adaptive_allocations: adaptive }) =>
      priority === 'normal' || (count === 1 && threads === 1 && adaptive?.enabled !== true),
    '[number_of_allocations] and [threads_per_allocation] must be 1 where [priority] is low',
  );
export type DeploymentParameters = z.output<typeof deploymentOptions>;

export const deploymentChanges = z.strictObject(changeable).refine(oneOfBoth, BOTH);
export type DeploymentChanges = z.output<typeof deploymentChanges>;
