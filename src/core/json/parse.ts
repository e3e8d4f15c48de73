import { Decimal, JsonMap, type JsonObject, type JsonValue, needsMap } from './values.ts';

/** A text that is not JSON, with the place of the fault. Never shows the text itself: it may be secret. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError';
  /** Zero-based index of the UTF-16 unit where parsing stopped. */
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`);
    this.offset = offset;
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN_STRING = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const SPACE = /[ \t\n\r]*/y;

/** Deeper texts are refused: walking them recursively would end the process. Elasticsearch's own limit is 1,000 too. */
export const MAX_DEPTH = 1000;

/** As in Elasticsearch: longer ones take quadratic time to convert. */
const MAX_NUMBER_LENGTH = 1000;

export interface ParseOptions {
  /** Take the last of several equal keys; by default they are refused, as Elasticsearch does. */
  readonly allowDuplicateKeys?: boolean;
}

/** Parses JSON exactly: digits, key order and odd keys survive. */
export const parseExactJson = (text: string, options?: ParseOptions): JsonValue => {
  const { value, end } = parseFirstJson(text, options);
  if (end < text.length) throw new JsonSyntaxError('unexpected character after the document', end);
  return value;
};

/** Parses the first value of a text; `end` is where the next thing stands. */
export const parseFirstJson = (
  text: string,
  { allowDuplicateKeys = false }: ParseOptions = {},
): { readonly value: JsonValue; readonly end: number } => {
  let at = 0;
  const fail = (message: string): never => {
    throw new JsonSyntaxError(message, at);
  };
  const space = () => {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  };
  const string = (): string => {
    at += 1;
    let out = '';
    for (;;) {
      PLAIN_STRING.lastIndex = at;
      PLAIN_STRING.test(text);
      out += text.slice(at, PLAIN_STRING.lastIndex);
      at = PLAIN_STRING.lastIndex;
      const char = text[at];
      if (char === '"') {
        at += 1;
        return out;
      }
      if (char !== '\\') return fail(at >= text.length ? 'unterminated string' : 'control character in a string');
      const escaped = text[at + 1] ?? '';
      if (escaped === 'u') {
        const hex = text.slice(at + 2, at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) return fail('broken \\u escape');
        out += String.fromCharCode(Number.parseInt(hex, 16));
        at += 6;
        continue;
      }
      const plain = ESCAPES[escaped];
      if (plain === undefined) return fail('unknown escape');
      out += plain;
      at += 2;
    }
  };
  const number = (): JsonValue => {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (match === null) return fail('unexpected character');
    if (match[0].length > MAX_NUMBER_LENGTH) return fail(`number longer than ${MAX_NUMBER_LENGTH} characters`);
    at += match[0].length;
    return exactNumber(match[0], match[1] !== undefined || match[2] !== undefined);
  };
  const object = (depth: number): JsonObject => {
    const entries: [string, JsonValue][] = [];
    const seen = new Set<string>();
    let map = false;
    at += 1;
    space();
    if (text[at] === '}') {
      at += 1;
      return {};
    }
    for (;;) {
      space();
      if (text[at] !== '"') return fail('expected a key');
      const key = string();
      if (seen.has(key) && !allowDuplicateKeys) return fail('duplicate key');
      seen.add(key);
      map ||= needsMap(key);
      space();
      if (text[at] !== ':') return fail('expected [:]');
      at += 1;
      entries.push([key, value(depth)]);
      space();
      const char = text[at];
      at += 1;
      if (char === '}') return map ? new JsonMap(entries) : Object.fromEntries(entries);
      if (char !== ',') {
        at -= 1;
        return fail('expected [,] or [}]');
      }
    }
  };
  const array = (depth: number): JsonValue[] => {
    const items: JsonValue[] = [];
    at += 1;
    space();
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(value(depth));
      space();
      const char = text[at];
      at += 1;
      if (char === ']') return items;
      if (char !== ',') {
        at -= 1;
        return fail('expected [,] or []]');
      }
    }
  };
  const word = (name: string, meaning: JsonValue): JsonValue => {
    if (!text.startsWith(name, at)) return fail('unexpected character');
    at += name.length;
    return meaning;
  };
  const value = (depth: number): JsonValue => {
    space();
    switch (text[at]) {
      case '{':
      case '[':
        if (depth >= MAX_DEPTH) return fail(`nesting deeper than ${MAX_DEPTH}`);
        return text[at] === '{' ? object(depth + 1) : array(depth + 1);
      case '"':
        return string();
      case 't':
        return word('true', true);
      case 'f':
        return word('false', false);
      case 'n':
        return word('null', null);
      case undefined:
        return fail('unexpected end');
      default:
        return number();
    }
  };
  const result = value(0);
  space();
  return { value: result, end: at };
};

/** The value of a JSON number: what a double holds and writes back as it was stays a `number`. */
export const exactNumber = (literal: string, fractional: boolean): number | bigint | Decimal => {
  const number = Number(literal);
  if (!fractional)
    return Number.isSafeInteger(number) && !Object.is(number, -0) ? number : literal === '-0' ? 0 : BigInt(literal);
  return String(number) === literal ? number : new Decimal(literal);
};
