/** What one look at a document's bytes told. */
export interface Scan {
  /** True when `JSON.parse` and `JSON.stringify` keep everything that Elasticsearch's Java maps keep. */
  readonly faithful: boolean;
  /** True when the bytes hold no line break, so that they may stand as one line of a bulk body. */
  readonly oneLine: boolean;
  /** Deepest nesting of objects and arrays. */
  readonly depth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const UNDERSCORE = 0x5f;
const ZERO = 0x30;
const NINE = 0x39;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
/** Fewer digits than this survive the way through a double. */
const SAFE_DIGITS = 15;

const PROTO = [...'"__proto__"'].map((char) => char.charCodeAt(0));

/**
 * Looks once at the raw bytes of a JSON text. It never judges whether the text is valid: both parsers do that.
 * It errs on the side of the exact parser: escapes in keys, exponents and trailing zeros all go there.
 */
export const scanJson = (bytes: Uint8Array): Scan => {
  const end = bytes.length;
  let faithful = true;
  let oneLine = true;
  let depth = 0;
  let deepest = 0;
  let at = 0;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      const start = at;
      at = endOfString(bytes, start);
      if (!faithful) continue;
      let after = at;
      while (after < end && isSpace(bytes[after]!)) after += 1;
      if (bytes[after] === COLON && isOddKey(bytes, start, at)) faithful = false;
      continue;
    }
    if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    else if (byte === 0x0a || byte === 0x0d) oneLine = false;
    else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const start = at;
      at = endOfNumber(bytes, at);
      if (faithful && !isFaithfulNumber(bytes, start, at)) faithful = false;
      continue;
    }
    at += 1;
  }
  return { faithful, oneLine, depth: deepest };
};

/** Bytes looked at one by one before the native search takes over: its call costs as much as that many. */
const SHORT = 24;

/** Index behind the closing quote, or the end of the text. */
const endOfString = (bytes: Uint8Array, start: number): number => {
  const short = Math.min(bytes.length, start + SHORT);
  let at = start + 1;
  while (at < short) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    at += byte === BACKSLASH ? 2 : 1;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return bytes.length;
    let slashes = 0;
    while (quote - slashes > at && bytes[quote - slashes - 1] === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
};

/** A key that JavaScript would reorder or misread, or that hides behind escapes. */
const isOddKey = (bytes: Uint8Array, start: number, end: number): boolean => {
  const first = bytes[start + 1]!;
  if (first >= ZERO && first <= NINE) return true;
  if (first === UNDERSCORE && isProto(bytes, start)) return true;
  for (let at = start + 1; at < end; at += 1) if (bytes[at] === BACKSLASH) return true;
  return false;
};

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const isProto = (bytes: Uint8Array, start: number): boolean => {
  for (let i = 0; i < PROTO.length; i += 1) if (bytes[start + i] !== PROTO[i]) return false;
  return true;
};

const endOfNumber = (bytes: Uint8Array, start: number): number => {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    const part =
      (byte >= ZERO && byte <= NINE) ||
      byte === DOT ||
      byte === MINUS ||
      byte === PLUS ||
      byte === 0x65 ||
      byte === 0x45;
    if (!part) break;
    at += 1;
  }
  return at;
};

/** Integers of at most 15 digits, and fractions of at most 15 digits that JavaScript writes back as they are. */
const isFaithfulNumber = (bytes: Uint8Array, start: number, end: number): boolean => {
  const from = bytes[start] === MINUS ? start + 1 : start;
  if (end - from > SAFE_DIGITS + 1) return false;
  let dot = -1;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at]!;
    if (byte === DOT) dot = at;
    else if (byte < ZERO || byte > NINE) return false;
  }
  if (dot < 0) return end - from <= SAFE_DIGITS && !(from > start && bytes[from] === ZERO);
  if (bytes[end - 1] === ZERO || end - 1 === dot) return false;
  // 0.0000001 is written back as 1e-7.
  const small = bytes[from] === ZERO && bytes[dot + 1] === ZERO && bytes[dot + 2] === ZERO && bytes[dot + 3] === ZERO;
  return !small;
};
