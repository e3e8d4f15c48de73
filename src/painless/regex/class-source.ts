/** JavaScript source, valid inside a class under the `v` flag, for sets of code points. */

const hex = (codePoint: number): string => `\\u{${codePoint.toString(16)}}`;

/** One code point; everything but letters and digits is escaped, so that no position gives it a meaning. */
export const codePointSource = (codePoint: number): string => {
  const plain =
    (codePoint >= 0x30 && codePoint <= 0x39) ||
    (codePoint >= 0x41 && codePoint <= 0x5a) ||
    (codePoint >= 0x61 && codePoint <= 0x7a);
  return plain ? String.fromCodePoint(codePoint) : hex(codePoint);
};

export const rangeSource = (low: number, high: number): string =>
  low === high ? codePointSource(low) : `${codePointSource(low)}-${codePointSource(high)}`;

/** The parts of a range that lie in `from`, moved to the other case. */
const shifted = (low: number, high: number, from: number, distance: number): string => {
  const first = Math.max(low, from);
  const last = Math.min(high, from + 25);
  return first > last ? '' : rangeSource(first + distance, last + distance);
};

/** A range together with the other case of its ASCII letters. */
export const asciiFoldedRange = (low: number, high: number): string =>
  rangeSource(low, high) + shifted(low, high, 0x41, 32) + shifted(low, high, 0x61, -32);

export const union = (parts: readonly string[]): string => `[${parts.join('')}]`;
export const complement = (source: string): string => `[^${source}]`;
export const intersection = (left: string, right: string): string => `[${left}&&${right}]`;
