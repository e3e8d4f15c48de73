import type { PlainObject } from '../core/json/values.ts';

/** One measure of how far two models agree: `value` is a mean over the texts that both answered. */
export interface Measure {
  readonly name: string;
  readonly value: number;
  /** Of the text on which they agree least. */
  readonly worst: number;
}

type Fields = PlainObject;
type PairMeasure = readonly [name: string, of: (a: Fields, b: Fields) => number | undefined];

/** The measures of each task, between 0 (nothing in common) and 1 unless the name says otherwise. */
const MEASURES: Readonly<Record<string, readonly PairMeasure[]>> = {
  text_embedding: [['cosine', (a, b) => cosine(vectorOf(a), vectorOf(b))]],
  text_expansion: [
    ['cosine of token weights', (a, b) => sparseCosine(weightsOf(a), weightsOf(b))],
    ['overlap of the 20 heaviest tokens', (a, b) => jaccard(heaviest(weightsOf(a), 20), heaviest(weightsOf(b), 20))],
  ],
  ner: [['F1 of entities', (a, b) => f1(entitiesOf(a), entitiesOf(b))]],
  text_classification: classified(),
  zero_shot_classification: classified(),
  lang_ident: classified(),
  fill_mask: classified(),
  question_answering: [
    ['same answer', (a, b) => same(a, b)],
    ['F1 of the words of the answer', (a, b) => f1(wordsOf(a), wordsOf(b))],
  ],
  text_similarity: [
    ['difference of scores', (a, b) => Math.abs(Number(a.predicted_value) - Number(b.predicted_value))],
  ],
};

/** Of tasks that are not in the table only equality can be told. */
const EQUALITY: readonly PairMeasure[] = [['same result', (a, b) => same(a, b)]];

/**
 * How far two models agree on the same texts; undefined stands for a text that a model did not answer, and counts for
 * neither. Empty where no text was answered by both.
 */
export const agreement = (
  task: string,
  a: readonly (Fields | undefined)[],
  b: readonly (Fields | undefined)[],
): Measure[] =>
  (MEASURES[task] ?? EQUALITY).flatMap(([name, of]) => {
    const values = a.flatMap((fields, index) => {
      const other = b[index];
      const value = fields === undefined || other === undefined ? undefined : of(fields, other);
      return value === undefined ? [] : [value];
    });
    if (values.length === 0) return [];
    const worst = name.startsWith('difference') ? Math.max(...values) : Math.min(...values);
    return [{ name, value: values.reduce((sum, value) => sum + value, 0) / values.length, worst }];
  });

function classified(): readonly PairMeasure[] {
  return [
    ['same class', (a, b) => same(a, b)],
    [
      'difference of probability',
      (a, b) =>
        typeof a.prediction_probability === 'number' && typeof b.prediction_probability === 'number'
          ? Math.abs(a.prediction_probability - b.prediction_probability)
          : undefined,
    ],
  ];
}

const same = (a: Fields, b: Fields): number =>
  Number(JSON.stringify(a.predicted_value) === JSON.stringify(b.predicted_value));

const vectorOf = (fields: Fields): readonly number[] => {
  const value = fields.predicted_value;
  return Array.isArray(value) && value.every((one) => typeof one === 'number') ? (value as number[]) : [];
};

/** Undefined where they cannot be compared: other lengths, or no length at all. */
const cosine = (a: readonly number[], b: readonly number[]): number | undefined => {
  if (a.length === 0 || a.length !== b.length) return undefined;
  let dot = 0;
  let squareA = 0;
  let squareB = 0;
  a.forEach((value, at) => {
    dot += value * b[at]!;
    squareA += value * value;
    squareB += b[at]! * b[at]!;
  });
  return squareA === 0 || squareB === 0 ? undefined : dot / Math.sqrt(squareA * squareB);
};

const weightsOf = (fields: Fields): ReadonlyMap<string, number> => {
  const value = fields.predicted_value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map();
  return new Map(
    Object.entries(value).flatMap(([token, weight]) => (typeof weight === 'number' ? [[token, weight]] : [])),
  );
};

const sparseCosine = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number | undefined => {
  const tokens = [...new Set([...a.keys(), ...b.keys()])];
  return cosine(
    tokens.map((token) => a.get(token) ?? 0),
    tokens.map((token) => b.get(token) ?? 0),
  );
};

const heaviest = (weights: ReadonlyMap<string, number>, count: number): string[] =>
  [...weights]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([token]) => token);

const jaccard = (a: readonly string[], b: readonly string[]): number => {
  const all = new Set([...a, ...b]);
  if (all.size === 0) return 1;
  const other = new Set(b);
  return a.filter((one) => other.has(one)).length / all.size;
};

const entitiesOf = (fields: Fields): string[] => {
  const { entities } = fields;
  if (!Array.isArray(entities)) return [];
  return (entities as Fields[]).map(({ class_name, start_pos, end_pos }) => `${class_name} ${start_pos} ${end_pos}`);
};

const wordsOf = (fields: Fields): string[] =>
  String(fields.predicted_value ?? '')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/** Of two bags; 1 where both are empty. */
const f1 = (a: readonly string[], b: readonly string[]): number => {
  if (a.length + b.length === 0) return 1;
  const left = new Map<string, number>();
  for (const one of b) left.set(one, (left.get(one) ?? 0) + 1);
  let common = 0;
  for (const one of a) {
    const count = left.get(one) ?? 0;
    if (count === 0) continue;
    common += 1;
    left.set(one, count - 1);
  }
  return (2 * common) / (a.length + b.length);
};
