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
      let escaped = false;
      at += 1;
      while (at < end) {
        const inside = bytes[at]!;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) {
          escaped = true;
          at += 1;
        }
        at += 1;
      }
      at += 1;
      if (!faithful) continue;
      const first = bytes[start + 1]!;
      // Only a key that starts like this, or is spelled with escapes, can be one that JavaScript reorders or misreads.
      if (!escaped && first !== 0x5f && (first < ZERO || first > NINE)) continue;
      let after = at;
      while (after < end && isSpace(bytes[after]!)) after += 1;
      if (bytes[after] !== 0x3a) continue;
      if (escaped || first !== 0x5f || isProto(bytes, start)) faithful = false;
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
