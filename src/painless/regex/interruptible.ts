import { createContext, Script } from 'node:vm';

/** Thrown when the time is up. What `run` was doing ended without its `finally` blocks. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/** The functions under way, innermost last: one script calls whichever is on top. */
const running: (() => void)[] = [];
const context = createContext({ call: () => running.at(-1)?.() });
const script = new Script('call()', { filename: 'sluice:interruptible' });

/**
 * Runs a function and stops it where it takes longer than `timeoutMs`, even inside one regular expression. Meant for
 * work that computes and leaves nothing half done. Each call starts a thread that watches the clock, which costs about a
 * fifth of a millisecond: wrap much, not little.
 * @throws InterruptedError when the time is up; whatever `run` throws passes unchanged
 */
export const runInterruptible = <T>(run: () => T, timeoutMs: number): T => {
  // A run that is cut short never gets to its own clean-up, so the caller's depth is put back here.
  const depth = running.length;
  let result: { readonly value: T } | undefined;
  running.push(() => {
    result = { value: run() };
  });
  try {
    script.runInContext(context, { timeout: Math.max(1, Math.ceil(timeoutMs)) });
  } catch (error) {
    if (isTimeout(error)) throw new InterruptedError(`stopped after ${timeoutMs} ms`);
    throw error;
  } finally {
    running.length = depth;
  }
  // The function ended without answer or error: an outer run's time was up.
  if (result === undefined) throw new InterruptedError(`stopped after ${timeoutMs} ms`);
  return result.value;
};

const isTimeout = (error: unknown): boolean =>
  // The error belongs to the script's context, whose Error is not ours.
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
