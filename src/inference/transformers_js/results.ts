import type { PlainObject } from '../../core/json/values.ts';
import type { TransformersOptions } from './protocol.ts';

export interface ScoredClass {
  readonly name: string;
  readonly probability: number;
}

/**
 * Result fields of a classification as Elasticsearch's NlpClassificationInferenceResults writes them.
 * @param ranked best first, at least one
 * @param count entries of `top_classes`; -1 for all
 */
export const classificationFields = (
  ranked: readonly ScoredClass[],
  { results_field }: Pick<TransformersOptions, 'results_field'>,
  count: number,
): PlainObject => {
  const top = count < 0 ? ranked : ranked.slice(0, count);
  const [best] = ranked;
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
