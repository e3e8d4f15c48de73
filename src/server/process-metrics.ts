import { collectDefaultMetrics, Registry } from 'prom-client';
import { exposition, type Family } from './exposition.ts';

/** Node's own: memory, processor time, garbage collection, delay of the event loop. */
const processRegistry = (): Registry => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
};
let ofProcess: Registry | undefined;

/** Prometheus' text format of some families, and of the process. */
export const withProcess = async (families: readonly Family[]): Promise<string> => {
  ofProcess ??= processRegistry();
  return `${exposition(families)}${await ofProcess.metrics()}`;
};
