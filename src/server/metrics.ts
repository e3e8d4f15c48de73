import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Histogram } from '../core/histogram.ts';
import type { CacheStats } from '../inference/cache.ts';
import type { DeploymentStats } from '../inference/deployment.ts';
import type { StepStats } from '../pipeline/step-stats.ts';
import type { Stream } from '../runtime/stream.ts';
import { exposition, type Family, type Sample } from './exposition.ts';

/** A stream and what belongs to it, as the metrics see it. */
export interface StreamView {
  readonly stream: Stream;
  readonly steps: readonly StepStats[];
  readonly models: {
    readonly stats: ReadonlyMap<string, DeploymentStats>;
    readonly caches: ReadonlyMap<string, CacheStats>;
    readonly diskCaches: ReadonlyMap<string, CacheStats>;
  };
}

interface Metric {
  readonly name: string;
  readonly type: Family['type'];
  readonly help: string;
  /** Beside `stream`. */
  readonly labels: readonly string[];
  readonly samples: (view: StreamView) => readonly Sample[];
}

type Value = number | Histogram;

/** One value for each stream. */
const ofStream = (type: Family['type'], name: string, help: string, value: (stream: Stream) => Value): Metric => ({
  name,
  type,
  help,
  labels: [],
  samples: ({ stream }) => [{ labels: {}, value: value(stream) }],
});

/** One value for each key of a table. */
const byKey = (
  type: Family['type'],
  name: string,
  help: string,
  label: string,
  values: (stream: Stream) => Readonly<Record<string, number>>,
): Metric => ({
  name,
  type,
  help,
  labels: [label],
  samples: ({ stream }) => Object.entries(values(stream)).map(([key, value]) => ({ labels: { [label]: key }, value })),
});

/** One value for each processor; those without a tag share one. */
const ofSteps = (name: string, help: string, value: (stats: StepStats) => number): Metric => ({
  name,
  type: 'counter',
  help,
  labels: ['pipeline', 'processor', 'tag'],
  samples: ({ steps }) => {
    const sums = new Map<string, Sample & { value: number }>();
    for (const stats of steps) {
      const labels = { pipeline: stats.pipeline, processor: stats.type, tag: stats.tag ?? '' };
      const key = JSON.stringify(labels);
      sums.set(key, { labels, value: (sums.get(key)?.value ?? 0) + value(stats) });
    }
    return [...sums.values()];
  },
});

const ofModels = (
  type: Family['type'],
  name: string,
  help: string,
  value: (stats: DeploymentStats) => Value,
): Metric => ({
  name,
  type,
  help,
  labels: ['model'],
  samples: ({ models }) => [...models.stats].map(([model, stats]) => ({ labels: { model }, value: value(stats) })),
});

const ofCaches = (
  type: Family['type'],
  name: string,
  help: string,
  value: (stats: CacheStats) => number,
  which: 'caches' | 'diskCaches' = 'caches',
): Metric => ({
  name,
  type,
  help,
  labels: ['model'],
  samples: ({ models }) => [...models[which]].map(([model, stats]) => ({ labels: { model }, value: value(stats) })),
});

/** Every metric, once; docs/reference/metrics.md lists them. */
export const METRICS: readonly Metric[] = [
  ofStream('gauge', 'sluice_ready', '1 while the stream can deliver.', ({ trouble }) =>
    trouble === undefined ? 1 : 0,
  ),
  ofStream(
    'counter',
    'sluice_documents_read_total',
    'Documents read from the source.',
    ({ counters }) => counters.documents_read,
  ),
  ofStream('counter', 'sluice_bytes_read_total', 'Bytes read from the source.', ({ counters }) => counters.bytes_read),
  byKey(
    'counter',
    'sluice_documents_settled_total',
    'Documents by how they ended.',
    'outcome',
    ({ counters }) => counters.settled,
  ),
  ofStream(
    'histogram',
    'sluice_document_latency_seconds',
    'Time from arrival to settlement.',
    ({ counters }) => counters.latency,
  ),
  ofStream(
    'gauge',
    'sluice_in_flight_documents',
    'Documents between source and settlement.',
    ({ inFlight }) => inFlight.documents,
  ),
  ofStream('gauge', 'sluice_in_flight_bytes', 'Bytes held of the byte budget.', ({ inFlight }) => inFlight.bytes),
  ofStream('gauge', 'sluice_intake_queued', 'Documents that wait to be decoded.', ({ intake }) => intake.queued),
  ofStream(
    'gauge',
    'sluice_intake_active',
    'Documents inside the pipeline, those that wait for a model included.',
    ({ intake }) => intake.active,
  ),
  byKey(
    'gauge',
    'sluice_lag',
    'Records between what was read and the end of the partition, as of the last fetch that brought some.',
    'partition',
    ({ lags }) => lags,
  ),
  byKey(
    'gauge',
    'sluice_watermark_age_seconds',
    'Time since the oldest document arrived that has not ended.',
    'partition',
    ({ watermarkAges }) => watermarkAges,
  ),
  ofSteps(
    'sluice_processor_executions_total',
    'Documents that a processor was run for.',
    ({ executions }) => executions,
  ),
  ofSteps('sluice_processor_failures_total', 'Failures of a processor, handled or not.', ({ failures }) => failures),
  ofSteps(
    'sluice_processor_seconds_total',
    'Time in a processor, the wait for a model included; of the others every sixteenth execution is timed.',
    ({ seconds }) => seconds,
  ),
  ofStream(
    'histogram',
    'sluice_bulk_seconds',
    'Time that requests to the destination took.',
    ({ counters }) => counters.requests,
  ),
  ofStream(
    'histogram',
    'sluice_bulk_size',
    'Documents in requests to the destination.',
    ({ counters }) => counters.batches,
  ),
  byKey(
    'counter',
    'sluice_write_retries_total',
    'Documents sent again, by reason.',
    'reason',
    ({ counters }) => counters.retries,
  ),
  ofStream(
    'gauge',
    'sluice_bulk_concurrency',
    'Requests that the destination is sent at the same time, as it follows from its answers.',
    ({ delivery }) => delivery.bulk_concurrency,
  ),
  ofStream(
    'gauge',
    'sluice_bulk_documents',
    "Documents in a request at most, as it follows from the destination's answers.",
    ({ delivery }) => delivery.bulk_documents,
  ),
  ofStream(
    'gauge',
    'sluice_bulk_bytes',
    "Bytes in a request at most, as it follows from the destination's answers.",
    ({ delivery }) => delivery.bulk_bytes,
  ),
  ofStream(
    'gauge',
    'sluice_breaker_open',
    '1 while the destination does not answer, and one request at a time asks whether it does.',
    ({ delivery }) => delivery.breaker_open,
  ),
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

/** Node's own: memory, processor time, garbage collection, delay of the event loop. */
const processRegistry = (): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
};
let ofProcess: Registry | undefined;

/** Prometheus' text format, of all streams and of the process. */
export const metricsText = async (views: readonly StreamView[]): Promise<string> => {
  ofProcess ??= processRegistry();
  const families = METRICS.map(
    ({ name, help, type, samples }): Family => ({
      name,
      help,
      type,
      samples: views.flatMap((view) =>
        samples(view).map(({ labels, value }) => ({ labels: { stream: view.stream.name, ...labels }, value })),
      ),
    }),
  );
  return `${exposition(families)}${await ofProcess.metrics()}`;
};
