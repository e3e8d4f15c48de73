import { FLAG } from './java-flags.ts';
import { RegexError } from './regex-error.ts';

const isSpace = (unit: number): boolean => unit === 0x20 || (unit >= 9 && unit <= 13);
const isLineEnd = (unit: number): boolean =>
  unit === 10 || unit === 13 || unit === 0x85 || unit === 0x2028 || unit === 0x2029;

/** The pattern, read code point by code point; in comments mode blanks and comments are not seen. */
export class JavaReader {
  readonly text: string;
  index = 0;
  flags: number;

  constructor(text: string, flags: number) {
    this.text = text;
    this.flags = flags;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  get ended(): boolean {
    this.#skip();
    return this.index >= this.text.length;
  }

  /** The next code point as a string, '' at the end. */
  peek(): string {
    this.#skip();
    return this.raw();
  }

  /** The next code point even where it is a blank of comments mode. */
  raw(): string {
    const codePoint = this.text.codePointAt(this.index);
    return codePoint === undefined ? '' : String.fromCodePoint(codePoint);
  }

  next(): string {
    const char = this.peek();
    this.index += char.length;
    return char;
  }

  nextRaw(): string {
    const char = this.raw();
    this.index += char.length;
    return char;
  }

  /** Takes `char` where it comes next. */
  accept(char: string): boolean {
    if (this.peek() !== char) return false;
    this.index += char.length;
    return true;
  }

  looksAt(text: string): boolean {
    return this.text.startsWith(text, this.index);
  }

  fail(message: string, index = this.index): never {
    throw new RegexError(message, index);
  }

  #skip(): void {
    if ((this.flags & FLAG.x) === 0) return;
    while (this.index < this.text.length) {
      const unit = this.text.charCodeAt(this.index);
      if (isSpace(unit)) this.index += 1;
      else if (unit === 0x23) {
        while (this.index < this.text.length && !isLineEnd(this.text.charCodeAt(this.index))) this.index += 1;
      } else return;
    }
  }
}
