import { Histogram, SECONDS } from '../../core/histogram.ts';
import type { Deployments } from '../../inference/deployments/deployments.ts';
import type { StepStats } from '../../pipeline/step-stats.ts';
import type { Metric } from '../metric.ts';
import { MODEL_METRICS, type ModelsView } from '../model-metrics.ts';
import { withProcess } from '../process-metrics.ts';
import { STEP_METRICS } from '../step-metrics.ts';

/** Requests by what answered them: the path of a route, or `cluster` for what was only passed on. */
export class RequestCounts {
  readonly byStatus = new Map<string, { readonly route: string; readonly status: number; count: number }>();
  readonly seconds = new Map<string, Histogram>();
  running = 0;

  /** @param ms how long it took */
  add(route: string, status: number, ms: number): void {
    const key = `${status} ${route}`;
    const counted = this.byStatus.get(key);
    if (counted === undefined) this.byStatus.set(key, { route, status, count: 1 });
    else counted.count += 1;
    let times = this.seconds.get(route);
    if (times === undefined) {
      times = new Histogram(SECONDS);
      this.seconds.set(route, times);
    }
    times.observe(ms / 1000);
  }
}

/** What is measured of a server. */
export interface ServeView {
  readonly requests: RequestCounts;
  readonly steps: readonly StepStats[];
  readonly deployments: Deployments;
  readonly inFlightBytes: () => number;
}

const modelsOf = ({ list }: Deployments): ModelsView => {
  const running = list.flatMap(({ deployment_id, running: model }) =>
    model === undefined ? [] : [[deployment_id, model] as const],
  );
  return {
    stats: new Map(running.map(([id, { deployment }]) => [id, deployment.stats])),
    caches: new Map(running.map(([id, { cache }]) => [id, cache])),
    diskCaches: new Map(),
  };
};

/** Every metric of `sluice serve`, once; docs/reference/metrics.md lists them. */
export const SERVE_METRICS: readonly Metric<ServeView>[] = [
  {
    name: 'sluice_serve_requests_total',
    type: 'counter',
    help: 'Requests by the route that answered, `cluster` for those that were passed on, and by status.',
    labels: ['route', 'status'],
    samples: ({ requests }) =>
      [...requests.byStatus.values()].map(({ route, status, count }) => ({
        labels: { route, status: String(status) },
        value: count,
      })),
  },
  {
    name: 'sluice_serve_request_seconds',
    type: 'histogram',
    help: 'Time from a request to the end of its answer.',
    labels: ['route'],
    samples: ({ requests }) => [...requests.seconds].map(([route, value]) => ({ labels: { route }, value })),
  },
  {
    name: 'sluice_serve_requests_running',
    type: 'gauge',
    help: 'Requests without an answer yet.',
    labels: [],
    samples: ({ requests }) => [{ labels: {}, value: requests.running }],
  },
  {
    name: 'sluice_serve_in_flight_bytes',
    type: 'gauge',
    help: 'Bytes of documents between arrival and answer; at the limit callers get 429.',
    labels: [],
    samples: ({ inFlightBytes }) => [{ labels: {}, value: inFlightBytes() }],
  },
  ...STEP_METRICS.map((metric): Metric<ServeView> => ({ ...metric, samples: ({ steps }) => metric.samples(steps) })),
  // The label is the deployment's id.
  ...MODEL_METRICS.filter(({ name }) => !name.includes('disk')).map(
    (metric): Metric<ServeView> => ({ ...metric, samples: ({ deployments }) => metric.samples(modelsOf(deployments)) }),
  ),
];

/** Prometheus' text format, of the server and of the process. */
export const serveMetricsText = (view: ServeView): Promise<string> =>
  withProcess(SERVE_METRICS.map(({ name, help, type, samples }) => ({ name, help, type, samples: samples(view) })));
