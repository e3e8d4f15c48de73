import type { Expression } from '../ast.ts';
import { converter } from '../runtime/convert.ts';
import { mapPut } from '../runtime/maps.ts';
import { instanceTest } from '../runtime/types.ts';
import { ScriptList, ScriptMap } from '../runtime/values.ts';
import { compileField, compileIndex, compileName } from './access.ts';
import { compileAssign, compileStep } from './assign.ts';
import { compileCall } from './call.ts';
import type { Compiled } from './compiled.ts';
import { compileNumber, compilePattern, constant } from './literals.ts';
import { compileBinary, compileTest, compileUnary } from './operators.ts';
import type { Scope } from './scope.ts';

/** @throws PainlessError for what is wrong in any case, or not supported yet */
export const compileExpression = (node: Expression, scope: Scope): Compiled =>
  scope.nested(node.offset, () => compileNode(node, scope));

const compileNode = (node: Expression, scope: Scope): Compiled => {
  switch (node.kind) {
    case 'number':
      return compileNumber(node, false, scope);
    case 'string':
      return constant(node.value, 'String');
    case 'boolean':
      return constant(node.value, 'boolean');
    case 'null':
      return constant(null, 'null');
    case 'regex':
      return compilePattern(node, scope);
    case 'list':
      return compileList(node, scope);
    case 'map':
      return compileMap(node, scope);
    case 'name':
      return compileName(node.name, node.offset, scope);
    case 'field':
      return compileField(node, scope, compileExpression);
    case 'index':
      return compileIndex(node, scope, compileExpression);
    case 'call':
      return compileCall(node, scope, compileExpression);
    case 'unary':
      return compileUnary(node, scope, compileExpression);
    case 'binary':
      return compileBinary(node, scope, compileExpression);
    case 'assign':
      return compileAssign(node, scope, compileExpression);
    case 'step':
      return compileStep(node, scope, compileExpression);
    case 'cast':
      return compileCast(node, scope);
    case 'instanceof':
      return compileInstanceof(node, scope);
    case 'conditional':
      return compileConditional(node, scope);
    case 'elvis':
      return compileElvis(node, scope);
    case 'new':
      return scope.notYet(`[new ${node.type.name}]`, node.offset);
    case 'lambda':
      return scope.notYet('a lambda', node.offset);
    case 'reference':
      return scope.notYet(`a method reference ([${node.target}::${node.name}])`, node.offset);
  }
};

const compileList = ({ items }: Expression & { kind: 'list' }, scope: Scope): Compiled => {
  const values = items.map((item) => compileExpression(item, scope).run);
  return { run: (frame) => new ScriptList(values.map((value) => value(frame))), type: 'List' };
};

const compileMap = ({ entries }: Expression & { kind: 'map' }, scope: Scope): Compiled => {
  const pairs = entries.map(
    ([key, value]) => [compileExpression(key, scope).run, compileExpression(value, scope).run] as const,
  );
  const run = (frame: Parameters<Compiled['run']>[0]): ScriptMap => {
    const map = new ScriptMap();
    for (const [key, value] of pairs) mapPut(map, key(frame), value(frame));
    return map;
  };
  return { run, type: 'Map' };
};

const compileCast = (node: Expression & { kind: 'cast' }, scope: Scope): Compiled => {
  const { run } = compileExpression(node.operand, scope);
  const type = scope.resolve(node.type);
  const convert = converter(type, true);
  const { offset } = node;
  return {
    type,
    run: (frame) => {
      const value = run(frame);
      frame.at = offset;
      return convert(value);
    },
  };
};

const compileInstanceof = (node: Expression & { kind: 'instanceof' }, scope: Scope): Compiled => {
  const { run } = compileExpression(node.operand, scope);
  const test = instanceTest(scope.resolve(node.type));
  return { run: (frame) => test(run(frame)), type: 'boolean' };
};

const compileConditional = (node: Expression & { kind: 'conditional' }, scope: Scope): Compiled => {
  const test = compileTest(node.test, scope, compileExpression);
  const then = compileExpression(node.then, scope);
  const otherwise = compileExpression(node.otherwise, scope);
  return {
    run: (frame) => (test(frame) ? then.run(frame) : otherwise.run(frame)),
    type: then.type === otherwise.type ? then.type : 'def',
  };
};

const compileElvis = (node: Expression & { kind: 'elvis' }, scope: Scope): Compiled => {
  const left = compileExpression(node.left, scope);
  const right = compileExpression(node.right, scope);
  return {
    run: (frame) => left.run(frame) ?? right.run(frame),
    type: left.type === right.type ? left.type : 'def',
  };
};
