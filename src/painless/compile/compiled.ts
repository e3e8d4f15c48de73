import type { Expression } from '../ast.ts';
import { RANK } from '../runtime/numbers.ts';
import type { Evaluate } from './frame.ts';
import type { Scope } from './scope.ts';

/** An expression ready to run, with what is known of its type before: a simple name, `def` where nothing is. */
export interface Compiled {
  readonly run: Evaluate;
  readonly type: string;
}

/** Passed around so that the parts of the compiler need not import each other in a ring. */
export type CompileExpression = (node: Expression, scope: Scope) => Compiled;

export const isNumericType = (type: string): type is keyof typeof RANK => Object.hasOwn(RANK, type);

/** What arithmetic on the two gives. */
export const promotedType = (left: string, right: string): string => {
  if (!isNumericType(left) || !isNumericType(right)) return 'def';
  const rank = Math.max(RANK[left], RANK[right], RANK.int);
  return rank === RANK.int ? 'int' : rank === RANK.long ? 'long' : rank === RANK.float ? 'float' : 'double';
};

/** Types whose values may turn out to be anything. */
export const isOpen = (type: string): boolean =>
  type === 'def' || type === 'Object' || type === 'Number' || type === 'Comparable';

const BOXED_NUMBERS: ReadonlySet<string> = new Set([
  'Byte',
  'Short',
  'Integer',
  'Long',
  'Float',
  'Double',
  'Character',
]);

export const mayBeNumber = (type: string): boolean => isOpen(type) || isNumericType(type) || BOXED_NUMBERS.has(type);
export const mayBeBoolean = (type: string): boolean =>
  type === 'def' || type === 'Object' || type === 'boolean' || type === 'Boolean';
