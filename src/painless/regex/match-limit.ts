import { ProcessorError } from '../../core/errors.ts';
import { InterruptedError, runInterruptible } from './interruptible.ts';

let limitMs: number | undefined;

/** Runs `work` with a time limit on each call of a regular expression in it; everything else may take as long as it takes. */
export const limitEachMatch = (work: () => void, ms: number): void => {
  const outer = limitMs;
  limitMs = ms;
  try {
    work();
  } finally {
    limitMs = outer;
  }
};

/**
 * One call of a regular expression, under the limit where there is one.
 * @throws ProcessorError timeout_exception
 */
export const limited = <T>(match: () => T): T => {
  if (limitMs === undefined) return match();
  try {
    return runInterruptible(match, limitMs);
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    throw new ProcessorError(
      'timeout_exception',
      `a regular expression ran longer than ${limitMs} ms on this document and was stopped`,
    );
  }
};
