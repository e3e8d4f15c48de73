import type { Each, Loop, Statement } from '../ast.ts';
import { converter } from '../runtime/convert.ts';
import { illegalArgument, nullPointer } from '../runtime/java-error.ts';
import { typeName } from '../runtime/type-name.ts';
import { isList, itemsOf, ScriptArray, ScriptSet, type Value } from '../runtime/values.ts';
import { compileExpression } from './expression.ts';
import { BREAK, type Execute, type Frame, NORMAL, RETURN } from './frame.ts';
import { compileTest } from './operators.ts';
import type { Scope } from './scope.ts';

interface Statements {
  compile(statement: Statement, last: boolean): Execute;
}

const nothing: Execute = () => NORMAL;

export const compileLoop = (node: Loop, scope: Scope, statements: Statements): Execute =>
  scope.loop(() => {
    const { offset, testLast } = node;
    const begin = node.initializer === undefined ? nothing : statements.compile(node.initializer, false);
    const { test, update, body } = node;
    const round = body === undefined ? nothing : scope.block(() => statements.compile(body, false));
    const holds = test === undefined ? () => true : compileTest(test, scope, compileExpression);
    const advance = update === undefined ? undefined : compileExpression(update, scope).run;
    return (frame) => {
      begin(frame);
      for (let first = testLast; first || holds(frame); first = false) {
        frame.at = offset;
        frame.step();
        const completion = round(frame);
        if (completion === RETURN) return RETURN;
        if (completion === BREAK) break;
        advance?.(frame);
      }
      return NORMAL;
    };
  });

export const compileEach = (node: Each, scope: Scope, statements: Statements): Execute =>
  scope.loop(() => {
    const { offset } = node;
    const items = compileExpression(node.items, scope).run;
    const type = node.type === undefined ? 'def' : scope.resolve(node.type);
    const { slot } = scope.declare(node.name, type, offset);
    const convert = converter(type, false);
    const round = scope.block(() => statements.compile(node.body, false));
    return (frame: Frame) => {
      const iterable = items(frame);
      frame.at = offset;
      for (const item of elements(iterable)) {
        frame.at = offset;
        frame.step();
        frame.locals[slot] = convert(item);
        const completion = round(frame);
        if (completion === RETURN) return RETURN;
        if (completion === BREAK) break;
      }
      return NORMAL;
    };
  });

const elements = (value: Value): readonly Value[] => {
  if (isList(value)) return itemsOf(value);
  if (value instanceof ScriptSet || value instanceof ScriptArray) return value.items;
  if (value === null) throw nullPointer();
  throw illegalArgument(`Cannot iterate over [${typeName(value)}]`);
};
