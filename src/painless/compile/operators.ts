import type { Binary, BinaryOperator, Expression } from '../ast.ts';
import { booleanArgument, stringArgument } from '../runtime/convert.ts';
import { equalValues, identical } from '../runtime/equality.ts';
import { nullPointer } from '../runtime/java-error.ts';
import {
  type Arithmetic,
  arithmetic,
  type Bitwise,
  bitwise,
  compareNumbers,
  invert,
  negate,
  plus,
  type Shift,
  shift,
} from '../runtime/numbers.ts';
import { stringOf } from '../runtime/text.ts';
import { Pattern, type Value } from '../runtime/values.ts';
import {
  type Compiled,
  type CompileExpression,
  isNumericType,
  mayBeBoolean,
  mayBeNumber,
  promotedType,
} from './compiled.ts';
import type { Test } from './frame.ts';
import { compileNumber } from './literals.ts';
import type { Scope } from './scope.ts';

/** A condition: of `if`, of `&&`, of the script itself. */
export const compileTest = (node: Expression, scope: Scope, compile: CompileExpression): Test => {
  const { run, type } = compile(node, scope);
  if (!mayBeBoolean(type)) scope.fail(`cannot cast from [${type}] to [boolean]`, node.offset);
  if (type === 'boolean') return run as Test;
  const { offset } = node;
  return (frame) => {
    const value = run(frame);
    if (typeof value === 'boolean') return value;
    frame.at = offset;
    return booleanArgument(value);
  };
};

type Operation = (left: Value, right: Value) => Value;

/** Strings take anything to themselves. */
export const add: Operation = (left, right) => {
  if (typeof left === 'number' && typeof right === 'number') return arithmetic('+', left, right);
  if (typeof left === 'string') return left + (typeof right === 'string' ? right : stringOf(right));
  return typeof right === 'string' ? stringOf(left) + right : arithmetic('+', left, right);
};

const arithmeticOf =
  (operator: Arithmetic): Operation =>
  (left, right) =>
    arithmetic(operator, left, right);
const bitwiseOf =
  (operator: Bitwise): Operation =>
  (left, right) =>
    bitwise(operator, left, right);
const shiftOf =
  (operator: Shift): Operation =>
  (left, right) =>
    shift(operator, left, right);

/** A NaN on either side makes every comparison false. */
const compareOf =
  (operator: string, holds: (order: number) => boolean): Operation =>
  (left, right) =>
    holds(compareNumbers(operator, left, right));

const pattern = (value: Value): Pattern => {
  if (value instanceof Pattern) return value;
  throw nullPointer('pattern');
};

/** All operators but `&&` and `||`, which look at their right side only where they have to. */
const OPERATIONS: Readonly<Record<Exclude<BinaryOperator, '&&' | '||'>, Operation>> = {
  '*': arithmeticOf('*'),
  '/': arithmeticOf('/'),
  '%': arithmeticOf('%'),
  '+': add,
  '-': arithmeticOf('-'),
  '<<': shiftOf('<<'),
  '>>': shiftOf('>>'),
  '>>>': shiftOf('>>>'),
  '&': bitwiseOf('&'),
  '|': bitwiseOf('|'),
  '^': bitwiseOf('^'),
  '<': compareOf('<', (order) => order < 0),
  '<=': compareOf('<=', (order) => order <= 0),
  '>': compareOf('>', (order) => order > 0),
  '>=': compareOf('>=', (order) => order >= 0),
  '==': equalValues,
  '!=': (left, right) => !equalValues(left, right),
  '===': identical,
  '!==': (left, right) => !identical(left, right),
  '=~': (text, regex) => pattern(regex).regex.find(stringArgument(text)),
  '==~': (text, regex) => pattern(regex).regex.matches(stringArgument(text)),
};

export const operation = (operator: BinaryOperator): Operation => OPERATIONS[operator as keyof typeof OPERATIONS];

const ORDER: ReadonlySet<string> = new Set(['<', '<=', '>', '>=']);
const TESTS: ReadonlySet<string> = new Set([...ORDER, '==', '!=', '===', '!==', '=~', '==~']);
const NUMERIC: ReadonlySet<string> = new Set(['*', '/', '%', '-', '<', '<=', '>', '>=', '<<', '>>', '>>>']);

/** The type an operator gives, where the types of its sides are known. */
export const resultType = (operator: BinaryOperator, left: string, right: string): string => {
  if (TESTS.has(operator)) return 'boolean';
  if (operator === '+' && (left === 'String' || right === 'String')) return 'String';
  if (operator === '<<' || operator === '>>' || operator === '>>>') return promotedType(left, left);
  if (left === 'boolean' && right === 'boolean') return 'boolean';
  return promotedType(left, right);
};

export const compileBinary = (node: Binary, scope: Scope, compile: CompileExpression): Compiled => {
  const { operator, offset } = node;
  if (operator === '&&' || operator === '||') return compileLogical(node, scope, compile);
  const left = compile(node.left, scope);
  const right = compile(node.right, scope);
  if (NUMERIC.has(operator)) {
    for (const { type } of [left, right]) {
      if (!mayBeNumber(type) && type !== 'null') {
        scope.fail(`cannot apply [${operator}] to the types [${left.type}] and [${right.type}]`, offset);
      }
    }
  }
  if ((operator === '=~' || operator === '==~') && right.type !== 'Pattern' && right.type !== 'def') {
    scope.fail(`[${operator}] needs a regex on its right side`, offset);
  }
  const operate = OPERATIONS[operator];
  const a = left.run;
  const b = right.run;
  return {
    type: resultType(operator, left.type, right.type),
    run: (frame) => {
      const x = a(frame);
      const y = b(frame);
      frame.at = offset;
      return operate(x, y);
    },
  };
};

const compileLogical = (node: Binary, scope: Scope, compile: CompileExpression): Compiled => {
  const left = compileTest(node.left, scope, compile);
  const right = compileTest(node.right, scope, compile);
  const run: Test =
    node.operator === '&&' ? (frame) => left(frame) && right(frame) : (frame) => left(frame) || right(frame);
  return { run, type: 'boolean' };
};

const UNARY = { '-': negate, '+': plus, '~': invert } as const;

export const compileUnary = (
  node: Expression & { kind: 'unary' },
  scope: Scope,
  compile: CompileExpression,
): Compiled => {
  const { operator, operand, offset } = node;
  if (operator === '!') {
    const test = compileTest(operand, scope, compile);
    return { run: (frame) => !test(frame), type: 'boolean' };
  }
  if (operator === '-' && operand.kind === 'number') return compileNumber(operand, true, scope);
  const { run, type } = compile(operand, scope);
  if (!mayBeNumber(type)) scope.fail(`cannot apply [${operator}] to the type [${type}]`, offset);
  const operate = UNARY[operator];
  return {
    type: isNumericType(type) ? promotedType(type, type) : 'def',
    run: (frame) => {
      const value = run(frame);
      frame.at = offset;
      return operate(value);
    },
  };
};
