import type { StepStats } from '../pipeline/step-stats.ts';
import type { Stream } from '../runtime/stream.ts';
import type { Family } from './exposition.ts';
import type { Metric, Value } from './metric.ts';
import { MODEL_METRICS, type ModelsView } from './model-metrics.ts';
import { withProcess } from './process-metrics.ts';
import { STEP_METRICS } from './step-metrics.ts';

/** A stream and what belongs to it, as the metrics see it. */
export interface StreamView {
  readonly stream: Stream;
  readonly steps: readonly StepStats[];
  readonly models: ModelsView;
}

/** Its labels stand beside `stream`. */
type StreamMetric = Metric<StreamView>;

/** One value for each stream. */
const ofStream = (
  type: Family['type'],
  name: string,
  help: string,
  value: (stream: Stream) => Value,
): StreamMetric => ({
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
): StreamMetric => ({
  name,
  type,
  help,
  labels: [label],
  samples: ({ stream }) => Object.entries(values(stream)).map(([key, value]) => ({ labels: { [label]: key }, value })),
});

const ofSteps = (metric: Metric<readonly StepStats[]>): StreamMetric => ({
  ...metric,
  samples: ({ steps }) => metric.samples(steps),
});

const ofViews = (metric: Metric<ModelsView>): StreamMetric => ({
  ...metric,
  samples: ({ models }) => metric.samples(models),
});

/** Every metric, once; docs/reference/metrics.md lists them. */
export const METRICS: readonly StreamMetric[] = [
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
  ...STEP_METRICS.map(ofSteps),
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
  ...MODEL_METRICS.map(ofViews),
];

/** Prometheus' text format, of all streams and of the process. */
export const metricsText = async (views: readonly StreamView[]): Promise<string> => {
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
  return withProcess(families);
};
