import type { Assign, BinaryOperator, Expression, Step } from '../ast.ts';
import { readField, readIndex, writeField, writeIndex } from '../runtime/access.ts';
import { converter } from '../runtime/convert.ts';
import type { Value } from '../runtime/values.ts';
import { leadsToContext } from './access.ts';
import { checkAssignable } from './assignable.ts';
import type { Compiled, CompileExpression } from './compiled.ts';
import type { Evaluate, Frame } from './frame.ts';
import { constant } from './literals.ts';
import { operation } from './operators.ts';
import type { Scope } from './scope.ts';

/** Computes the new value from the one before, which is only read where `read` says so. */
type Update = { readonly read: boolean; readonly compute: (frame: Frame, before: Value) => Value };
/** What of the two the expression itself is. */
type Pick = (before: Value, after: Value) => Value;
const after: Pick = (_, value) => value;
const before: Pick = (value) => value;

export const compileAssign = (node: Assign, scope: Scope, compile: CompileExpression): Compiled => {
  const value = compile(node.value, scope);
  if (node.operator === undefined) {
    if (node.target.kind === 'name') checkLocal(node.target, value.type, scope, node.offset);
    return store(node.target, plain(value.run), after, false, scope, compile, node.offset);
  }
  return store(node.target, compound(node.operator, value.run, node.offset), after, true, scope, compile, node.offset);
};

export const compileStep = (node: Step, scope: Scope, compile: CompileExpression): Compiled => {
  const update = compound(node.operator, constant(1, 'int').run, node.offset);
  return store(node.target, update, node.postfix ? before : after, true, scope, compile, node.offset);
};

const plain = (run: Evaluate): Update => ({ read: false, compute: run });
const compound = (operator: BinaryOperator, run: Evaluate, offset: number): Update => {
  const operate = operation(operator);
  return {
    read: true,
    compute: (frame, value) => {
      const operand = run(frame);
      frame.at = offset;
      return operate(value, operand);
    },
  };
};

const checkLocal = (target: Expression & { kind: 'name' }, type: string, scope: Scope, offset: number): void => {
  const local = scope.find(target.name);
  if (local !== undefined) checkAssignable(type, local.type, scope, offset);
};

const store = (
  target: Expression,
  { read, compute }: Update,
  pick: Pick,
  explicit: boolean,
  scope: Scope,
  compile: CompileExpression,
  offset: number,
): Compiled => {
  if (leadsToContext(target)) scope.fail('[ctx] is read-only in a condition', target.offset);
  switch (target.kind) {
    case 'name':
      return storeLocal(target, compute, pick, explicit, scope, offset);
    case 'field': {
      const container = compile(target.target, scope).run;
      const { name } = target;
      return {
        type: 'def',
        run: (frame) => {
          const self = container(frame);
          frame.at = offset;
          const old = read ? readField(self, name) : null;
          const value = compute(frame, old);
          frame.at = offset;
          writeField(self, name, value);
          return pick(old, value);
        },
      };
    }
    case 'index': {
      const container = compile(target.target, scope).run;
      const key = compile(target.index, scope).run;
      return {
        type: 'def',
        run: (frame) => {
          const self = container(frame);
          const index = key(frame);
          frame.at = offset;
          const old = read ? readIndex(self, index) : null;
          const value = compute(frame, old);
          frame.at = offset;
          writeIndex(self, index, value);
          return pick(old, value);
        },
      };
    }
    default:
      return scope.fail('this cannot be assigned to', target.offset);
  }
};

/** `x += 1.5` narrows back to the type of `x`, as if it were cast; `x = 1.5` does not. */
const storeLocal = (
  { name, offset: nameOffset }: Expression & { kind: 'name' },
  compute: Update['compute'],
  pick: Pick,
  explicit: boolean,
  scope: Scope,
  offset: number,
): Compiled => {
  if (name === 'params') scope.fail('[params] cannot be assigned to', nameOffset);
  const local = scope.find(name);
  if (local === undefined) return scope.fail(`cannot resolve symbol [${name}]`, nameOffset);
  const { slot, type } = local;
  const convert = converter(type, explicit);
  return {
    type,
    run: (frame) => {
      const old = frame.locals[slot]!;
      const value = compute(frame, old);
      frame.at = offset;
      const stored = convert(value);
      frame.locals[slot] = stored;
      return pick(old, stored);
    },
  };
};
