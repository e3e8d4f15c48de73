import type { Sink, WriteItem } from '../../core/contracts.ts';
import { getKey, isObject, type JsonValue } from '../../core/json/values.ts';
import { countUp, type DryRunReport } from './report.ts';

const DELIVERED = { outcome: 'delivered' } as const;

/** A sink that gets everything ready and writes nothing; nothing is opened either. */
export const drySink = (inner: Sink, report: DryRunReport): Sink => ({
  type: inner.type,
  limits: inner.limits,
  open: async () => {},
  prepare: (document, record, mayBeThere) => inner.prepare(document, record, mayBeThere),
  write: async (items) => {
    for (const _ of items) countUp(report.actions, 'documents');
    return items.map(() => DELIVERED);
  },
  close: async () => {},
});

interface Failure extends WriteItem {
  readonly what: string;
}

/** Counts what would have failed, and why. */
export const dryDeadLetter = (report: DryRunReport): Sink<Failure> => ({
  type: 'dry_run',
  limits: { max_documents: 1000, max_bytes: 1024 * 1024, max_age_ms: 100, max_in_flight: 1 },
  open: async () => {},
  prepare: ({ source }) => {
    const error = getKey(source, 'error');
    const text = (key: string) => {
      const value: JsonValue | undefined = isObject(error) ? getKey(error, key) : undefined;
      return typeof value === 'string' ? value : undefined;
    };
    const processor = text('processor_type');
    return {
      key: undefined,
      bytes: 1,
      what: `${text('type') ?? 'exception'}${processor === undefined ? '' : ` in [${processor}]`}`,
    };
  },
  write: async (items) => {
    for (const { what } of items) countUp(report.failures, what);
    return items.map(() => DELIVERED);
  },
  close: async () => {},
});
