import type { IngestDocument } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import type { JsonObject } from '../core/json/values.ts';
import type { Script } from './ast.ts';
import { compileExpression } from './compile/expression.ts';
import { Frame, type Test } from './compile/frame.ts';
import { compileTest } from './compile/operators.ts';
import { Scope } from './compile/scope.ts';
import { StatementCompiler } from './compile/statement.ts';
import { parseScript } from './parser.ts';
import { positionAt } from './position.ts';
import { JavaError } from './runtime/java-error.ts';

export { PainlessError } from './painless-error.ts';

/** The `if` of a processor. */
export interface Condition {
  readonly source: string;
  /** Patterns can run for ever: such a condition wants a time limit around it. */
  readonly usesRegex: boolean;
  /** @throws ProcessorError */
  test(document: IngestDocument): boolean;
}

/**
 * Compiles a condition; `ctx` is read-only in it.
 * @throws PainlessError with offset, line and column in the script
 */
export const compileCondition = (source: string, params: JsonObject = {}): Condition => {
  const script = parseScript(source);
  const scope = new Scope(source, params);
  for (const { name, offset } of script.functions) scope.notYet(`a function ([${name}])`, offset);
  const holds = compileBody(script, scope);
  const test = (document: IngestDocument): boolean => {
    const frame = new Frame(document);
    try {
      return holds(frame);
    } catch (error) {
      throw scriptError(error, source, frame.at);
    }
  };
  return { source, usesRegex: scope.usesRegex, test };
};

const compileBody = ({ statements, source }: Script, scope: Scope): Test => {
  const [only] = statements;
  if (only === undefined) return scope.fail('the script is empty', source.length);
  const asTest = (node: Parameters<typeof compileTest>[0]): Test => compileTest(node, scope, compileExpression);
  if (statements.length === 1) {
    if (only.kind === 'expression') return asTest(only.expression);
    if (only.kind === 'return' && only.value !== undefined) return asTest(only.value);
  }
  const execute = new StatementCompiler(scope, asTest).sequence(statements, true);
  return (frame) => {
    execute(frame);
    // A script that ends without a result says no.
    return frame.result === true;
  };
};

/** What went wrong in a run, as Elasticsearch reports it, with the place in the script. */
const scriptError = (error: unknown, source: string, offset: number): unknown => {
  const fault = javaError(error);
  if (fault === undefined) return error;
  const { line, column } = positionAt(source, offset);
  const cause = new ProcessorError(fault.type, fault.message);
  const message = `runtime error: ${fault.type}: ${fault.message} (line ${line}, column ${column})`;
  return new ProcessorError('script_exception', message, { cause });
};

const javaError = (error: unknown): JavaError | undefined => {
  if (error instanceof JavaError) return error;
  // The engine's own limits: of the stack, and of the length of a string.
  return error instanceof RangeError ? new JavaError('error', error.message) : undefined;
};
