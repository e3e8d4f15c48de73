export interface BackoffOptions {
  /** First wait in milliseconds. */
  readonly initial_ms: number;
  /** Longest wait in milliseconds. */
  readonly max_ms: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { initial_ms: 100, max_ms: 30_000 };

/**
 * Wait before attempt number `attempt` (the first retry is 1): exponential, with half of it random so that workers
 * that failed together do not come back together.
 */
export const backoff = (attempt: number, random: () => number, options: BackoffOptions = DEFAULT_BACKOFF): number => {
  const full = Math.min(options.max_ms, options.initial_ms * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + (full / 2) * random();
};
