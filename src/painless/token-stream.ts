import { tokenize } from './lexer.ts';
import { PainlessError } from './painless-error.ts';
import type { Token, TokenKind } from './token.ts';

/** Deeper nesting than any script written by a person; keeps the recursion off the end of the stack. */
const MAX_DEPTH = 200;

/** The tokens of a script with what every rule of the parser asks of them. */
export class TokenStream {
  readonly source: string;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.source = source;
    this.#tokens = tokenize(source);
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at += 1;
    return token;
  }

  /** An operator or keyword comes next, or stands `ahead`. */
  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.text === text && (token.kind === 'operator' || token.kind === 'keyword');
  }

  isKind(kind: TokenKind, ahead = 0): boolean {
    return this.peek(ahead).kind === kind;
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.#at += 1;
    return true;
  }

  expect(text: string): Token {
    if (!this.is(text)) this.unexpected(`[${text}]`);
    return this.next();
  }

  expectKind(kind: TokenKind, what: string): Token {
    if (!this.isKind(kind)) this.unexpected(what);
    return this.next();
  }

  unexpected(wanted: string): never {
    const token = this.peek();
    const found = token.kind === 'end' ? 'end of script' : `token [${this.source.slice(token.offset, token.end)}]`;
    throw this.error(`unexpected ${found}, expected ${wanted}`, token.offset);
  }

  error(message: string, offset: number): PainlessError {
    return new PainlessError(message, this.source, offset);
  }

  /** Runs a rule one level deeper. */
  nested<T>(rule: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.error(`nested deeper than ${MAX_DEPTH} levels`, this.peek().offset);
    const result = rule();
    this.#depth -= 1;
    return result;
  }
}
