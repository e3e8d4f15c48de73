import type { JavaReader } from './java-reader.ts';
import type { Greed } from './syntax.ts';

export interface Quantifier {
  readonly min: number;
  readonly max: number;
  readonly greed: Greed;
}

const COUNTED = /\{(\d+)(?:(,)(\d*))?\}/y;
const UNBOUNDED = Number.POSITIVE_INFINITY;

/** The quantifier that stands here, if one does. */
export const parseQuantifier = (reader: JavaReader): Quantifier | undefined => {
  const bounds = parseBounds(reader);
  if (bounds === undefined) return undefined;
  const greed = reader.accept('?') ? 'lazy' : reader.accept('+') ? 'possessive' : 'greedy';
  return { ...bounds, greed };
};

const parseBounds = (reader: JavaReader): { readonly min: number; readonly max: number } | undefined => {
  switch (reader.peek()) {
    case '?':
      reader.next();
      return { min: 0, max: 1 };
    case '*':
      reader.next();
      return { min: 0, max: UNBOUNDED };
    case '+':
      reader.next();
      return { min: 1, max: UNBOUNDED };
    case '{':
      return parseCounted(reader);
    default:
      return undefined;
  }
};

const parseCounted = (reader: JavaReader): { readonly min: number; readonly max: number } => {
  COUNTED.lastIndex = reader.index;
  const counted = COUNTED.exec(reader.text);
  if (counted === null) {
    const digit = /\d/.test(reader.text.charAt(reader.index + 1));
    return reader.fail(digit ? 'Unclosed counted closure' : 'Illegal repetition');
  }
  const [whole, low, comma, high] = counted;
  const min = Number(low);
  const max = comma === undefined ? min : high === '' ? UNBOUNDED : Number(high);
  if (max < min) reader.fail('Illegal repetition range');
  reader.index += whole.length;
  return { min, max };
};
