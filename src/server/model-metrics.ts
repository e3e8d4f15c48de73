import type { CacheStats } from '../inference/cache.ts';
import type { DeploymentStats } from '../inference/deployment.ts';
import type { Family } from './exposition.ts';
import type { Metric, Value } from './metric.ts';

/** Models by their names. */
export interface ModelsView {
  readonly stats: ReadonlyMap<string, DeploymentStats>;
  readonly caches: ReadonlyMap<string, CacheStats>;
  readonly diskCaches: ReadonlyMap<string, CacheStats>;
}

const ofModels = (
  type: Family['type'],
  name: string,
  help: string,
  value: (stats: DeploymentStats) => Value,
): Metric<ModelsView> => ({
  name,
  type,
  help,
  labels: ['model'],
  samples: ({ stats }) => [...stats].map(([model, one]) => ({ labels: { model }, value: value(one) })),
});

const ofCaches = (
  type: Family['type'],
  name: string,
  help: string,
  value: (stats: CacheStats) => number,
  which: 'caches' | 'diskCaches' = 'caches',
): Metric<ModelsView> => ({
  name,
  type,
  help,
  labels: ['model'],
  samples: (models) => [...models[which]].map(([model, stats]) => ({ labels: { model }, value: value(stats) })),
});

/** What deployments did, and what their caches saved them. */
export const MODEL_METRICS: readonly Metric<ModelsView>[] = [
  ofModels(
    'counter',
    'sluice_inference_total',
    'Texts that a model has answered.',
    ({ counters }) => counters.inference_count,
  ),
  ofModels('counter', 'sluice_inference_tokens_total', 'Tokens of those texts.', ({ counters }) => counters.tokens),
  ofModels(
    'histogram',
    'sluice_inference_seconds',
    'Time from a request to its answer, the queue included.',
    ({ counters }) => counters.latency,
  ),
  ofModels(
    'histogram',
    'sluice_inference_batch_size',
    'Texts, or windows of them, in one run of the model.',
    ({ counters }) => counters.batches,
  ),
  ofModels(
    'counter',
    'sluice_inference_padding_tokens_total',
    'Tokens that only filled up runs of unequal length.',
    ({ counters }) => counters.padding,
  ),
  ofModels('gauge', 'sluice_inference_queued', 'Texts that wait for an allocation.', ({ queued }) => queued),
  ofModels('gauge', 'sluice_inference_running', 'Texts at an allocation.', ({ running }) => running),
  ofModels('gauge', 'sluice_inference_allocations', 'Allocations of the deployment.', ({ allocations }) => allocations),
  ofModels(
    'counter',
    'sluice_inference_rejected_total',
    'Requests that found the queue full; they wait and come again.',
    ({ counters }) => counters.rejected,
  ),
  ofModels('counter', 'sluice_inference_timeouts_total', 'Requests whose time was up.', ({ timeouts }) => timeouts),
  ofModels(
    'counter',
    'sluice_inference_restarts_total',
    'Allocations that ended unasked and were replaced.',
    ({ restarts }) => restarts,
  ),
  ofCaches('counter', 'sluice_inference_cache_hits_total', 'Texts whose result was in the cache.', ({ hits }) => hits),
  ofCaches('counter', 'sluice_inference_cache_misses_total', 'Texts whose result was not.', ({ misses }) => misses),
  ofCaches('gauge', 'sluice_inference_cache_bytes', 'Bytes of results in the cache.', ({ bytes }) => bytes),
  ofCaches(
    'counter',
    'sluice_inference_disk_cache_hits_total',
    'Texts whose result was on disk, of those that were not in memory.',
    ({ hits }) => hits,
    'diskCaches',
  ),
  ofCaches(
    'counter',
    'sluice_inference_disk_cache_misses_total',
    'Texts whose result was not.',
    ({ misses }) => misses,
    'diskCaches',
  ),
  ofCaches(
    'gauge',
    'sluice_inference_disk_cache_bytes',
    'Bytes of results in the folder, those of other processes included.',
    ({ bytes }) => bytes,
    'diskCaches',
  ),
];
