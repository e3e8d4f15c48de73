import type { IngestDocument } from '../core/document.ts';
import type { Execution } from './definition.ts';
import type { StepStats } from './step-stats.ts';

/** One processor of a compiled pipeline with what surrounds it. */
export interface Step {
  readonly type: string;
  readonly tag: string | undefined;
  readonly description: string | undefined;
  /** The `if` script; outside of `ignore_failure` and `on_failure`, as in Elasticsearch. */
  readonly condition: ((document: IngestDocument) => boolean) | undefined;
  /** The script's text, for whoever is shown what a pipeline does. */
  readonly conditionText: string | undefined;
  readonly ignoreFailure: boolean;
  readonly onFailure: readonly Step[];
  readonly execution: Execution;
  readonly stats: StepStats;
}
