import { Gauge, Registry } from 'prom-client';
import type { Stream } from '../runtime/stream.ts';
import type { Supervisor } from '../runtime/supervisor.ts';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly label?: string;
  readonly values: (stream: Stream) => Readonly<Record<string, number>>;
}

const one = (value: number) => ({ '': value });

/** Every metric, once; docs/reference/metrics.md lists them. */
export const METRICS: readonly Metric[] = [
  {
    name: 'sluice_documents_read_total',
    help: 'Documents read from the source.',
    values: ({ counters }) => one(counters.documents_read),
  },
  {
    name: 'sluice_bytes_read_total',
    help: 'Bytes read from the source.',
    values: ({ counters }) => one(counters.bytes_read),
  },
  {
    name: 'sluice_documents_settled_total',
    help: 'Documents by how they ended.',
    label: 'outcome',
    values: ({ counters }) => counters.settled,
  },
  {
    name: 'sluice_write_retries_total',
    help: 'Documents sent again, by reason.',
    label: 'reason',
    values: ({ counters }) => counters.retries,
  },
  {
    name: 'sluice_document_latency_seconds_sum',
    help: 'Seconds from arrival to settlement, summed.',
    values: ({ counters }) => one(counters.latency_ms_sum / 1000),
  },
  {
    name: 'sluice_in_flight_documents',
    help: 'Documents between source and settlement.',
    values: ({ inFlight }) => one(inFlight.documents),
  },
  {
    name: 'sluice_in_flight_bytes',
    help: 'Bytes held of the byte budget.',
    values: ({ inFlight }) => one(inFlight.bytes),
  },
  {
    name: 'sluice_bulk_concurrency',
    help: 'Requests that the destination is sent at the same time, as it follows from its answers.',
    values: ({ delivery }) => one(delivery.bulk_concurrency),
  },
  {
    name: 'sluice_bulk_documents',
    help: "Documents in a request at most, as it follows from the destination's answers.",
    values: ({ delivery }) => one(delivery.bulk_documents),
  },
  {
    name: 'sluice_bulk_bytes',
    help: "Bytes in a request at most, as it follows from the destination's answers.",
    values: ({ delivery }) => one(delivery.bulk_bytes),
  },
  {
    name: 'sluice_breaker_open',
    help: '1 while the destination does not answer, and one request at a time asks whether it does.',
    values: ({ delivery }) => one(delivery.breaker_open),
  },
  {
    name: 'sluice_ready',
    help: '1 while the stream can deliver.',
    values: ({ trouble }) => one(trouble === undefined ? 1 : 0),
  },
];

/** Prometheus' text format. */
export const metricsText = (supervisor: Supervisor): Promise<string> => {
  const registry = new Registry();
  for (const { name, help, label, values } of METRICS) {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['stream', ...(label === undefined ? [] : [label])],
      registers: [registry],
    });
    for (const stream of supervisor.streams) {
      for (const [key, value] of Object.entries(values(stream)))
        gauge.set({ stream: stream.name, ...(label !== undefined && { [label]: key }) }, value);
    }
  }
  return registry.metrics();
};
