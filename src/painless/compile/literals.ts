import type { Expression } from '../ast.ts';
import { compileRegex } from '../regex/regex.ts';
import { RegexError } from '../regex/regex-error.ts';
import { double, float } from '../runtime/numbers.ts';
import { Pattern, type Value } from '../runtime/values.ts';
import type { Compiled } from './compiled.ts';
import type { Scope } from './scope.ts';

export const constant = (value: Value, type: string): Compiled => ({ run: () => value, type });

/** The sign belongs to the literal: -2147483648 is an int, 2147483648 is none. */
export const compileNumber = (node: Expression & { kind: 'number' }, negative: boolean, scope: Scope): Compiled => {
  const { written, text, offset } = node;
  const sign = negative ? -1 : 1;
  if (written === 'decimal' || (written === 'integer' && /[fFdD]$/.test(text))) {
    const value = sign * Number(text.replace(/[fFdD]$/, ''));
    return /[fF]$/.test(text) ? constant(float(value), 'float') : constant(double(value), 'double');
  }
  const isLong = /[lL]$/.test(text);
  const digits = isLong ? text.slice(0, -1) : text;
  const value = BigInt(written === 'octal' ? `0o${digits}` : digits) * BigInt(sign);
  if (isLong) {
    if (BigInt.asIntN(64, value) !== value) scope.fail(`invalid long constant [${text}]`, offset);
    return constant(value, 'long');
  }
  if (BigInt.asIntN(32, value) === value) return constant(Number(value), 'int');
  return scope.fail(`invalid int constant [${text}]; for a long write [${text}L]`, offset);
};

export const compilePattern = (node: Expression & { kind: 'regex' }, scope: Scope): Compiled => {
  scope.usesRegex = true;
  try {
    const regex = compileRegex(node.pattern, { flavour: 'java', flags: node.flags });
    return constant(new Pattern(regex), 'Pattern');
  } catch (error) {
    if (error instanceof RegexError) return scope.fail(`regex: ${error.message}`, node.offset + 1 + error.index);
    throw error;
  }
};
