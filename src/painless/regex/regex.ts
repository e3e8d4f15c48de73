import { type Emitted, emit } from './emit.ts';
import { flagBits } from './java-flags.ts';
import { parseJava } from './java-parse.ts';
import { limited } from './match-limit.ts';
import { RegexError } from './regex-error.ts';
import { parseReplacement, type Replacement } from './replacement.ts';
import type { Syntax } from './syntax.ts';

/** Whose pattern syntax: the one thing that differs between callers. */
export type Flavour = 'java';

export interface RegexOptions {
  readonly flavour: Flavour;
  /** Letters as behind a Painless regex literal: `i m s x u U l` (and `d`). */
  readonly flags?: string;
}

export interface RegexMatch {
  readonly start: number;
  readonly end: number;
  /** By the numbers of the pattern; [0] is the whole match. */
  readonly groups: readonly (string | undefined)[];
}

export interface Regex {
  readonly pattern: string;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  /** The pattern matches somewhere. */
  find(text: string): boolean;
  /** The pattern matches the whole text. */
  matches(text: string): boolean;
  /** The match of the whole text. */
  execWhole(text: string): RegexMatch | null;
  /** The first match that starts at `from` or later. */
  exec(text: string, from?: number): RegexMatch | null;
  /** @throws RegexError at the first match, where the replacement names no group */
  replaceAll(text: string, javaReplacement: string): string;
  replaceFirst(text: string, javaReplacement: string): string;
  /** @throws RegexError at once where the replacement cannot be used with this pattern */
  checkReplacement(javaReplacement: string): void;
  /** Java's `String.split`: with limit 0 without empty pieces at the end. */
  split(text: string, limit?: number): string[];
}

const PARSERS: Readonly<Record<Flavour, (pattern: string, flags: number) => Syntax>> = { java: parseJava };
const CACHE_SIZE = 512;
const cache = new Map<string, Regex>();

/**
 * The same pattern gives the same Regex.
 * @throws RegexError for a pattern that is invalid, or that means something JavaScript cannot do
 */
export const compileRegex = (pattern: string, { flavour, flags = '' }: RegexOptions): Regex => {
  const key = `${flavour}/${flags}/${pattern}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const regex = translate(pattern, flavour, flags);
  // Patterns may come from templates, so the cache must not grow with the data.
  if (cache.size >= CACHE_SIZE) cache.clear();
  cache.set(key, regex);
  return regex;
};

const translate = (pattern: string, flavour: Flavour, flags: string): Regex => {
  let bits = 0;
  for (const letter of flags) {
    const flag = flagBits(letter);
    if (flag === undefined) throw new RegexError(`flag [${letter}] is not supported`, 0);
    bits |= flag;
  }
  const syntax = PARSERS[flavour](pattern, bits);
  return new TranslatedRegex(pattern, syntax, emit(syntax));
};

class TranslatedRegex implements Regex {
  readonly pattern: string;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
  readonly #emitted: Emitted;
  readonly #find: RegExp;
  readonly #each: RegExp;
  #whole: RegExp | undefined;
  #lastReplacement: { readonly text: string; readonly parsed: Replacement } | undefined;

  constructor(pattern: string, { groupCount, groupNames }: Syntax, emitted: Emitted) {
    this.pattern = pattern;
    this.groupCount = groupCount;
    this.groupNames = groupNames;
    this.#emitted = emitted;
    try {
      this.#find = new RegExp(emitted.source, 'v');
      this.#each = new RegExp(emitted.source, 'gv');
    } catch (error) {
      throw new RegexError(
        `not supported by this JavaScript engine: ${error instanceof Error ? error.message : ''}`,
        0,
      );
    }
  }

  find(text: string): boolean {
    return limited(() => this.#find.test(text));
  }

  matches(text: string): boolean {
    return limited(() => this.#wholeRegExp().test(text));
  }

  execWhole(text: string): RegexMatch | null {
    return this.#result(limited(() => this.#wholeRegExp().exec(text)));
  }

  exec(text: string, from = 0): RegexMatch | null {
    this.#each.lastIndex = from;
    return this.#result(limited(() => this.#each.exec(text)));
  }

  #wholeRegExp(): RegExp {
    this.#whole ??= new RegExp(`^(?:${this.#emitted.source})$`, 'v');
    return this.#whole;
  }

  #result(match: RegExpExecArray | null): RegexMatch | null {
    if (match === null) return null;
    const groups = this.#emitted.groups.map((index) => match[index]);
    return { start: match.index, end: match.index + match[0].length, groups };
  }

  replaceAll(text: string, javaReplacement: string): string {
    return limited(() => this.#replace(text, javaReplacement, true));
  }

  replaceFirst(text: string, javaReplacement: string): string {
    return limited(() => this.#replace(text, javaReplacement, false));
  }

  checkReplacement(javaReplacement: string): void {
    this.#replacement(javaReplacement);
  }

  split(text: string, limit = 0): string[] {
    return limited(() => this.#split(text, limit));
  }

  #split(text: string, limit: number): string[] {
    const pieces: string[] = [];
    let start = 0;
    const each = this.#each;
    each.lastIndex = 0;
    for (let match = each.exec(text); match !== null; match = each.exec(text)) {
      const end = match.index + match[0].length;
      if (limit > 0 && pieces.length === limit - 1) break;
      // A match of nothing at the very start cuts off no empty piece.
      if (end > 0) {
        pieces.push(text.slice(start, match.index));
        start = end;
      }
      if (match[0] === '') advance(each, text);
    }
    if (start === 0 && pieces.length === 0) return [text];
    pieces.push(text.slice(start));
    if (limit === 0) while (pieces.length > 0 && pieces.at(-1) === '') pieces.pop();
    return pieces;
  }

  #replace(text: string, javaReplacement: string, all: boolean): string {
    const each = this.#each;
    each.lastIndex = 0;
    let match = each.exec(text);
    if (match === null) return text;
    const parts = this.#replacement(javaReplacement);
    const { groups } = this.#emitted;
    let result = '';
    let start = 0;
    while (match !== null) {
      result += text.slice(start, match.index);
      for (const part of parts) result += typeof part === 'string' ? part : (match[groups[part]!] ?? '');
      start = match.index + match[0].length;
      if (!all) break;
      if (match[0] === '') advance(each, text);
      match = each.exec(text);
    }
    return result + text.slice(start);
  }

  #replacement(text: string): Replacement {
    if (this.#lastReplacement?.text === text) return this.#lastReplacement.parsed;
    const parsed = parseReplacement(text, this.groupCount, this.groupNames);
    for (const part of parsed) {
      if (typeof part === 'number' && this.#emitted.uncertain.has(part)) {
        throw new RegexError(`group ${part} stands in a loop that may pass it by: its text is not supported here`, 0);
      }
    }
    this.#lastReplacement = { text, parsed };
    return parsed;
  }
}

/** Over an empty match, by a whole code point. */
const advance = (each: RegExp, text: string): void => {
  const codePoint = text.codePointAt(each.lastIndex);
  each.lastIndex += codePoint !== undefined && codePoint > 0xffff ? 2 : 1;
};
