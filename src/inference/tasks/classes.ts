import type { PlainObject } from '../../core/json/values.ts';

export interface ScoredClass {
  readonly name: string;
  readonly probability: number;
}

export const softmax = (logits: ArrayLike<number>): number[] => {
  let highest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < logits.length; at += 1) highest = Math.max(highest, logits[at]!);
  let total = 0;
  const powers = new Array<number>(logits.length);
  for (let at = 0; at < logits.length; at += 1) {
    powers[at] = Math.exp(logits[at]! - highest);
    total += powers[at]!;
  }
  return powers.map((power) => power / total);
};

export const sigmoid = (logits: ArrayLike<number>): number[] =>
  Array.from(logits, (logit) => 1 / (1 + Math.exp(-logit)));

/** Best first; those with equal probabilities in their order. */
export const ranked = (names: readonly string[], probabilities: readonly number[]): ScoredClass[] =>
  names
    .map((name, at): ScoredClass => ({ name, probability: probabilities[at]! }))
    .sort((a, b) => b.probability - a.probability);

/**
 * Result fields of a classification as Elasticsearch's NlpClassificationInferenceResults writes them.
 * @param classes best first, at least one
 * @param count entries of `top_classes`; -1 for all
 */
export const classificationFields = (
  classes: readonly ScoredClass[],
  { results_field }: { readonly results_field: string },
  count: number,
): PlainObject => {
  const top = count < 0 ? classes : classes.slice(0, count);
  const [best] = classes;
  if (best === undefined) throw new Error('the model answered without classes');
  return {
    [results_field]: best.name,
    ...(top.length > 0 && {
      top_classes: top.map(({ name, probability }) => ({
        class_name: name,
        class_probability: probability,
        class_score: probability,
      })),
    }),
    prediction_probability: best.probability,
  };
};
