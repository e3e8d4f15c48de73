import type { JsonObject } from '../../core/json/values.ts';
import type { TypeName } from '../ast.ts';
import { PainlessError } from '../painless-error.ts';
import { simpleTypeName } from '../runtime/types.ts';

export interface Local {
  readonly slot: number;
  /** The declared type without package. */
  readonly type: string;
}

/** What a script is compiled in: its text, its constants, and the variables in reach. */
export class Scope {
  readonly source: string;
  readonly params: JsonObject;
  usesRegex = false;
  readonly #blocks: Map<string, Local>[] = [new Map()];
  #slots = 0;
  #loops = 0;
  #depth = 0;

  constructor(source: string, params: JsonObject) {
    this.source = source;
    this.params = params;
  }

  fail(message: string, offset: number): never {
    throw new PainlessError(message, this.source, offset);
  }

  notYet(construct: string, offset: number): never {
    return this.fail(`${construct} is not supported yet`, offset);
  }

  find(name: string): Local | undefined {
    for (let i = this.#blocks.length - 1; i >= 0; i -= 1) {
      const local = this.#blocks[i]!.get(name);
      if (local !== undefined) return local;
    }
    return undefined;
  }

  declare(name: string, type: string, offset: number): Local {
    if (name === 'ctx' || name === 'params' || this.find(name) !== undefined) {
      this.fail(`variable [${name}] is already defined`, offset);
    }
    const local = { slot: this.#slots, type };
    this.#slots += 1;
    this.#blocks.at(-1)!.set(name, local);
    return local;
  }

  /** Runs with a block of its own for declarations. */
  block<T>(compile: () => T): T {
    this.#blocks.push(new Map());
    const result = compile();
    this.#blocks.pop();
    return result;
  }

  loop<T>(compile: () => T): T {
    this.#loops += 1;
    const result = this.block(compile);
    this.#loops -= 1;
    return result;
  }

  get inLoop(): boolean {
    return this.#loops > 0;
  }

  /** Long chains like `a + b + …` nest as deep as they are long, and run as deep. */
  nested<T>(offset: number, compile: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) this.fail(`nested deeper than ${MAX_DEPTH} levels`, offset);
    const result = compile();
    this.#depth -= 1;
    return result;
  }

  /** The type without package, with its brackets. */
  resolve({ name, dimensions, offset }: TypeName): string {
    const simple = simpleTypeName(name);
    if (simple === undefined) return this.fail(`cannot resolve type [${name}], or it is not supported yet`, offset);
    if (dimensions > 0) this.notYet(`an array type ([${name}[]])`, offset);
    return simple;
  }
}

const MAX_DEPTH = 1000;
