import type { Call } from '../ast.ts';
import { CLASSES } from '../methods/statics.ts';
import { MUTATORS, methodsNamed } from '../methods/table.ts';
import { illegalArgument, nullPointer } from '../runtime/java-error.ts';
import { typeName } from '../runtime/type-name.ts';
import { kindOf } from '../runtime/values.ts';
import { classNamed, leadsToContext } from './access.ts';
import type { Compiled, CompileExpression } from './compiled.ts';
import type { Evaluate } from './frame.ts';
import type { Scope } from './scope.ts';

/** More than any supported method takes. */
const MAX_ARGUMENTS = 3;

export const compileCall = (node: Call, scope: Scope, compile: CompileExpression): Compiled => {
  const { target, name, offset } = node;
  if (target === undefined) {
    if (name === 'field' || name === '$') return scope.notYet(`the field API ([${name}])`, offset);
    return scope.notYet(`a call of a function ([${name}])`, offset);
  }
  const className = classNamed(target, scope);
  return className === undefined ? compileMethod(node, scope, compile) : compileStatic(className, node, scope, compile);
};

const compileStatic = (className: string, node: Call, scope: Scope, compile: CompileExpression): Compiled => {
  const { name, args, offset } = node;
  const call = CLASSES.get(className)?.functions.get(`${name}/${args.length}`);
  if (call === undefined) {
    return scope.fail(`static method [${className}, ${name}/${args.length}] is unknown or not supported`, offset);
  }
  const [a, b, c] = compileArguments(node, scope, compile);
  return {
    type: 'def',
    run: (frame) => {
      const x = a(frame);
      const y = b(frame);
      const z = c(frame);
      frame.at = offset;
      return call(x, y, z);
    },
  };
};

const compileMethod = (node: Call, scope: Scope, compile: CompileExpression): Compiled => {
  const { name, args, offset, safe } = node;
  const target = node.target!;
  if (MUTATORS.has(name) && leadsToContext(target)) {
    scope.fail(`[ctx] is read-only in a condition: method [${name}] would change it`, offset);
  }
  // In the order of the text, so that the first mistake is the one that is told.
  const receiver = compile(target, scope).run;
  const [a, b, c] = compileArguments(node, scope, compile);
  const methods = methodsNamed(name, args.length);
  if (methods === undefined) return scope.fail(`method [${name}/${args.length}] is unknown or not supported`, offset);
  return {
    type: 'def',
    run: (frame) => {
      const self = receiver(frame);
      if (safe && self === null) return null;
      const x = a(frame);
      const y = b(frame);
      const z = c(frame);
      frame.at = offset;
      const kind = kindOf(self);
      if (kind === undefined) throw nullPointer();
      const method = methods[kind];
      if (method === undefined) {
        throw illegalArgument(`dynamic method [${typeName(self)}, ${name}/${args.length}] not found`);
      }
      return method(self, x, y, z);
    },
  };
};

const nothing: Evaluate = () => null;

const compileArguments = (
  { args, name, offset }: Call,
  scope: Scope,
  compile: CompileExpression,
): readonly [Evaluate, Evaluate, Evaluate] => {
  const [a = nothing, b = nothing, c = nothing] = args.map((argument) => compile(argument, scope).run);
  if (args.length > MAX_ARGUMENTS) scope.fail(`method [${name}/${args.length}] is unknown or not supported`, offset);
  return [a, b, c];
};
