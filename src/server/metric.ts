import type { Histogram } from '../core/histogram.ts';
import type { Family, Sample } from './exposition.ts';

export type Value = number | Histogram;

/** One metric of something. */
export interface Metric<View> {
  readonly name: string;
  readonly type: Family['type'];
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (view: View) => readonly Sample[];
}
