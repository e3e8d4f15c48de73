import type { Declaration, Expression, If, Statement } from '../ast.ts';
import { converter } from '../runtime/convert.ts';
import { double, float } from '../runtime/numbers.ts';
import { Char, Num, type Value } from '../runtime/values.ts';
import { checkAssignable } from './assignable.ts';
import { compileExpression } from './expression.ts';
import { BREAK, CONTINUE, type Evaluate, type Execute, NORMAL, RETURN } from './frame.ts';
import { compileEach, compileLoop } from './loop.ts';
import { compileTest } from './operators.ts';
import type { Scope } from './scope.ts';

/** How the script's result is made from the expression of a `return`. */
export type CompileResult = (node: Expression, scope: Scope) => Evaluate;

/** Compiles statements; what a script answers is a matter of the kind of script. */
export class StatementCompiler {
  readonly #scope: Scope;
  readonly #result: CompileResult;

  constructor(scope: Scope, result: CompileResult) {
    this.#scope = scope;
    this.#result = result;
  }

  /** `last`: an expression at the end of the script is its result, also in the branches of a last `if`. */
  sequence(statements: readonly Statement[], last: boolean): Execute {
    const end = statements.length - 1;
    const compiled = statements.map((statement, index) => this.compile(statement, last && index === end));
    if (compiled.length === 1) return compiled[0]!;
    return (frame) => {
      for (const execute of compiled) {
        const completion = execute(frame);
        if (completion !== NORMAL) return completion;
      }
      return NORMAL;
    };
  }

  compile(statement: Statement, last: boolean): Execute {
    const scope = this.#scope;
    switch (statement.kind) {
      case 'block':
        return scope.block(() => this.sequence(statement.statements, last));
      case 'declaration':
        return this.#declaration(statement);
      case 'if':
        return this.#if(statement, last);
      case 'loop':
        return compileLoop(statement, scope, this);
      case 'each':
        return compileEach(statement, scope, this);
      case 'expression':
        return last ? this.#return(statement.expression) : this.#effect(statement.expression);
      case 'return':
        if (statement.value === undefined) return scope.fail('[return] needs a value here', statement.offset);
        return this.#return(statement.value);
      case 'break':
      case 'continue': {
        if (!scope.inLoop) scope.fail(`[${statement.kind}] outside of a loop`, statement.offset);
        const completion = statement.kind === 'break' ? BREAK : CONTINUE;
        return () => completion;
      }
      case 'throw':
        return scope.notYet('[throw]', statement.offset);
      case 'try':
        return scope.notYet('[try]', statement.offset);
    }
  }

  #return(node: Expression): Execute {
    const run = this.#result(node, this.#scope);
    return (frame) => {
      frame.result = run(frame);
      return RETURN;
    };
  }

  #effect(node: Expression): Execute {
    const { run } = compileExpression(node, this.#scope);
    return (frame) => {
      run(frame);
      return NORMAL;
    };
  }

  #if({ test, then, otherwise }: If, last: boolean): Execute {
    const scope = this.#scope;
    const holds = compileTest(test, scope, compileExpression);
    const yes = scope.block(() => this.compile(then, last));
    const no: Execute = otherwise === undefined ? () => NORMAL : scope.block(() => this.compile(otherwise, last));
    return (frame) => (holds(frame) ? yes(frame) : no(frame));
  }

  #declaration({ type, variables }: Declaration): Execute {
    const scope = this.#scope;
    const name = scope.resolve(type);
    const stores = variables.map((variable) => {
      const value = variable.value === undefined ? undefined : compileExpression(variable.value, scope);
      if (value !== undefined) checkAssignable(value.type, name, scope, variable.offset);
      const run: Evaluate = value?.run ?? (() => initialValue(name));
      const { slot } = scope.declare(variable.name, name, variable.offset);
      const convert = value === undefined ? (plain: Value) => plain : converter(name, false);
      return { run, slot, convert, offset: variable.offset };
    });
    return (frame) => {
      for (const { run, slot, convert, offset } of stores) {
        const value = run(frame);
        frame.at = offset;
        frame.locals[slot] = convert(value);
      }
      return NORMAL;
    };
  }
}

/** Of a variable that is declared without a value. */
const initialValue = (type: string): Value => {
  switch (type) {
    case 'boolean':
      return false;
    case 'int':
      return 0;
    case 'long':
      return 0n;
    case 'float':
      return float(0);
    case 'double':
      return double(0);
    case 'byte':
    case 'short':
      return new Num(type, 0);
    case 'char':
      return new Char(0);
    default:
      return null;
  }
};
