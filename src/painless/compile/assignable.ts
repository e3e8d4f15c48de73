import { RANK } from '../runtime/numbers.ts';
import { isNumericType, isOpen } from './compiled.ts';
import type { Scope } from './scope.ts';

/**
 * Refuses what cannot be right whatever the values: a String in an int, a long in an int. Everything that might be is
 * left to the run.
 */
export const checkAssignable = (from: string, to: string, scope: Scope, offset: number): void => {
  if (isOpen(from) || isOpen(to) || from === to || from === 'null') return;
  const bad =
    isNumericType(from) && isNumericType(to)
      ? RANK[from] > RANK[to] || to === 'char'
      : (from === 'String' && (isNumericType(to) || to === 'boolean')) ||
        (to === 'String' && (isNumericType(from) || from === 'boolean')) ||
        (from === 'boolean' && isNumericType(to)) ||
        (to === 'boolean' && isNumericType(from));
  if (bad) scope.fail(`cannot cast from [${from}] to [${to}]`, offset);
};
