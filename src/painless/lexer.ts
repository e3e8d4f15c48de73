import { PainlessError } from './painless-error.ts';
import { KEYWORDS, OPERATORS, PRIMITIVES, type Token, type TokenKind } from './token.ts';

const BLANK = /[ \t\n\r]+/y;
/** A line comment may end with the script. */
const COMMENT = /\/\/[^\n\r]*|\/\*[\s\S]*?\*\//y;
const IDENTIFIER = /[_a-zA-Z][_a-zA-Z0-9]*/y;
const DOT_INTEGER = /0|[1-9][0-9]*/y;
const NUMBERS: readonly (readonly [TokenKind, RegExp])[] = [
  ['hex', /0[xX][0-9a-fA-F]+[lL]?/y],
  ['octal', /0[0-7]+[lL]?/y],
  ['decimal', /(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)[fFdD]?/y],
  ['integer', /(?:0|[1-9][0-9]*)[lLfFdD]?/y],
];
const REGEX = /\/((?:\\[^\n]|[^/\n\\])+)\/([cilmsUux]*)/y;

/** All tokens of a script, the last of kind `end`. */
export const tokenize = (source: string): Token[] => new Lexer(source).run();

class Lexer {
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  run(): Token[] {
    for (;;) {
      if (this.#match(BLANK) !== undefined || this.#match(COMMENT) !== undefined) continue;
      if (this.#at === this.#source.length) break;
      this.#next();
    }
    this.#push('end', '', this.#at);
    return this.#tokens;
  }

  #next(): void {
    const start = this.#at;
    const char = this.#source.charAt(start);
    if (char === '"' || char === "'") this.#string(char);
    else if (char >= '0' && char <= '9') this.#number();
    else if (char === '/' && this.#slashIsRegex() && this.#regex()) return;
    else {
      const word = this.#match(IDENTIFIER)?.[0];
      if (word !== undefined) this.#push(wordKind(word), word, start);
      else this.#operator();
    }
  }

  #operator(): void {
    const start = this.#at;
    const operator = OPERATORS.find((text) => this.#source.startsWith(text, start));
    if (operator === undefined) this.#unexpected(start);
    this.#at += operator!.length;
    this.#push('operator', operator!, start);
    if (operator === '.' || operator === '?.') this.#afterDot();
  }

  /** No blank is allowed behind a dot. */
  #afterDot(): void {
    const start = this.#at;
    const word = this.#match(IDENTIFIER)?.[0];
    if (word !== undefined) {
      this.#push('dotid', word, start);
      return;
    }
    const integer = this.#match(DOT_INTEGER)?.[0];
    if (integer === undefined) this.#unexpected(start);
    this.#push('dotinteger', integer!, start);
  }

  #number(): void {
    const start = this.#at;
    for (const [kind, pattern] of NUMBERS) {
      const text = this.#match(pattern)?.[0];
      if (text === undefined) continue;
      this.#push(kind, text, start);
      return;
    }
  }

  #string(quote: string): void {
    const start = this.#at;
    let value = '';
    for (let at = start + 1; at < this.#source.length; at += 1) {
      const char = this.#source.charAt(at);
      if (char === quote) {
        this.#at = at + 1;
        this.#push('string', value, start);
        return;
      }
      if (char !== '\\') {
        value += char;
        continue;
      }
      at += 1;
      const escaped = this.#source.charAt(at);
      if (escaped !== '\\' && escaped !== quote) {
        throw new PainlessError(
          `the only escape sequences in strings starting with [${quote}] are [\\\\] and [\\${quote}]`,
          this.#source,
          at - 1,
        );
      }
      value += escaped;
    }
    throw new PainlessError('this string never ends', this.#source, start);
  }

  #regex(): boolean {
    const start = this.#at;
    const match = this.#match(REGEX);
    if (match === undefined) return false;
    this.#tokens.push({ kind: 'regex', text: match[1]!, offset: start, end: this.#at, flags: match[2]! });
    return true;
  }

  /** Behind a value a slash divides; anywhere else it begins a pattern. */
  #slashIsRegex(): boolean {
    const last = this.#tokens.at(-1);
    if (last === undefined) return true;
    switch (last.kind) {
      case 'identifier':
      case 'dotid':
      case 'dotinteger':
      case 'integer':
      case 'decimal':
      case 'octal':
      case 'hex':
        return false;
      default:
        return !(last.kind === 'operator' && (last.text === ')' || last.text === ']'));
    }
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#source);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #push(kind: TokenKind, text: string, offset: number): void {
    this.#tokens.push({ kind, text, offset, end: this.#at });
  }

  #unexpected(offset: number): never {
    const char = this.#source.codePointAt(offset);
    const shown = char === undefined ? 'end of script' : `character [${String.fromCodePoint(char)}]`;
    throw new PainlessError(`unexpected ${shown}`, this.#source, offset);
  }
}

const wordKind = (word: string): TokenKind => {
  if (KEYWORDS.has(word)) return 'keyword';
  if (PRIMITIVES.has(word)) return 'primitive';
  return word === 'def' ? 'def' : 'identifier';
};
