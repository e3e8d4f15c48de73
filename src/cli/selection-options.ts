import { InvalidArgumentError } from 'commander';
import { millisOf, type Selection } from '../sources/selected-source.ts';

/** What `--limit`, `--sample` and so on say, as they stand on the command line. */
export interface SelectionOptions {
  readonly limit?: number;
  readonly sample?: number;
  readonly partition?: Selection['part'];
  readonly since?: number;
  readonly until?: number;
  readonly timeField?: string;
}

export const share = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('not a share above 0, up to 1, e.g. 0.01.');
  return value;
};

export const wholeCount = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) throw new InvalidArgumentError('not a whole number above 0.');
  return value;
};

export const partOf = (text: string): NonNullable<Selection['part']> => {
  const [number, of] = (/^(\d+)\/(\d+)$/.exec(text)?.slice(1) ?? []).map(Number);
  if (number === undefined || of === undefined || number < 1 || number > of)
    throw new InvalidArgumentError('not a part like 2/8: the second of eight.');
  return { number, of };
};

export const moment = (text: string): number => {
  const at = millisOf(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('not a time: write it like 2026-01-01T00:00:00Z.');
  return at;
};

export const selectionOf = ({ limit, sample, partition, since, until, timeField }: SelectionOptions): Selection => ({
  limit,
  sample,
  part: partition,
  time:
    since === undefined && until === undefined
      ? undefined
      : {
          field: timeField ?? '@timestamp',
          since: since ?? Number.NEGATIVE_INFINITY,
          until: until ?? Number.POSITIVE_INFINITY,
        },
});

/** Parts of one backfill that run in one folder must not share their checkpoint. */
export const checkpointName = (name: string, { partition }: SelectionOptions): string =>
  partition === undefined
    ? `${name}.checkpoint.json`
    : `${name}.${partition.number}-of-${partition.of}.checkpoint.json`;
