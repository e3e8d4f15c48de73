/** What a processor of a pipeline did since the start. */
export interface StepStats {
  readonly pipeline: string;
  readonly type: string;
  readonly tag: string | undefined;
  executions: number;
  failures: number;
  /** Of processors that do not wait, counted up from every `SAMPLED`-th execution; with the wait, of those that do. */
  seconds: number;
}

/** One execution in so many is timed: two looks at the clock cost as much as a short processor. */
export const SAMPLED = 16;
