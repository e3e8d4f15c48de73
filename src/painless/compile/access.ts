import type { Expression, Field, Index } from '../ast.ts';
import { GETTERS } from '../methods/getters.ts';
import { CLASSES } from '../methods/statics.ts';
import { readField, readIndex } from '../runtime/access.ts';
import { simpleTypeName } from '../runtime/types.ts';
import { ContextMap, contextField } from '../runtime/values.ts';
import type { Compiled, CompileExpression } from './compiled.ts';
import type { Evaluate } from './frame.ts';
import { constant } from './literals.ts';
import type { Scope } from './scope.ts';

/** `a.b.c` as text, where the node is nothing but names and dots. */
const dotted = (node: Expression): string | undefined => {
  if (node.kind === 'name') return node.name;
  if (node.kind !== 'field' || node.safe) return undefined;
  const target = dotted(node.target);
  return target === undefined ? undefined : `${target}.${node.name}`;
};

/** The class that an expression names, unless a variable has its name. */
export const classNamed = (node: Expression, scope: Scope): string | undefined => {
  const name = dotted(node);
  if (name === undefined || isVariable(name.split('.', 1)[0]!, scope)) return undefined;
  if (CLASSES.has(name)) return name;
  const util = name.startsWith('java.util.') ? name.slice('java.util.'.length) : name;
  const simple = name.startsWith('java.lang.') ? name.slice('java.lang.'.length) : util;
  return CLASSES.has(simple) ? simple : simpleTypeName(name);
};

const isVariable = (name: string, scope: Scope): boolean =>
  name === 'ctx' || name === 'params' || scope.find(name) !== undefined;

export const compileName = (name: string, offset: number, scope: Scope): Compiled => {
  if (name === 'ctx') return { run: (frame) => new ContextMap(frame.document), type: 'Map' };
  if (name === 'params') return constant(scope.params, 'Map');
  const local = scope.find(name);
  if (local === undefined) return scope.fail(`cannot resolve symbol [${name}]`, offset);
  const { slot, type } = local;
  return { run: (frame) => frame.locals[slot]!, type };
};

export const compileField = (node: Field, scope: Scope, compile: CompileExpression): Compiled => {
  const { name, offset, safe, target } = node;
  const className = classNamed(target, scope);
  if (className !== undefined) {
    const value = CLASSES.get(className)?.constants.get(name);
    if (value === undefined) scope.fail(`static field [${className}, ${name}] is not supported`, offset);
    return constant(value!, 'def');
  }
  const access = isContext(target, scope) ? contextAccess(name) : undefined;
  if (access !== undefined) return { run: access, type: 'def' };
  const { run } = compile(target, scope);
  return {
    type: 'def',
    run: (frame) => {
      const value = run(frame);
      if (safe && value === null) return null;
      frame.at = offset;
      return readField(value, name);
    },
  };
};

const isContext = (node: Expression, scope: Scope): boolean =>
  node.kind === 'name' && node.name === 'ctx' && scope.find('ctx') === undefined;

/** `ctx.field`, without a map in between; undefined where the name is a getter of maps. */
const contextAccess = (name: string): Evaluate | undefined =>
  GETTERS.map?.has(name) === true ? undefined : (frame) => contextField(frame.document, name) ?? null;

export const compileIndex = (node: Index, scope: Scope, compile: CompileExpression): Compiled => {
  const { offset, target, index } = node;
  if (isContext(target, scope) && index.kind === 'string') {
    const { value: name } = index;
    return { run: (frame) => contextField(frame.document, name) ?? null, type: 'def' };
  }
  const container = compile(target, scope).run;
  const key = compile(index, scope).run;
  return {
    type: 'def',
    run: (frame) => {
      const value = container(frame);
      const at = key(frame);
      frame.at = offset;
      return readIndex(value, at);
    },
  };
};

/** The expression is `ctx` or something in it: read-only. */
export const leadsToContext = (node: Expression): boolean => {
  if (node.kind === 'name') return node.name === 'ctx';
  return (node.kind === 'field' || node.kind === 'index') && leadsToContext(node.target);
};
