import type { Supervisor } from '../runtime/supervisor.ts';
import type { HealthParts } from './health.ts';
import { metricsText, type StreamView } from './metrics.ts';

/** Streams are ready while all of them can deliver. */
export const streamHealth = (supervisor: Supervisor, views: () => readonly StreamView[]): HealthParts => ({
  ready: () => ({
    ready: supervisor.ready,
    streams: supervisor.streams.map(({ name, trouble, inFlight }) => ({
      name,
      ready: trouble === undefined,
      ...(trouble && { reason: `${trouble.type}: ${trouble.reason}` }),
      in_flight: inFlight,
    })),
  }),
  metrics: () => metricsText(views()),
});
