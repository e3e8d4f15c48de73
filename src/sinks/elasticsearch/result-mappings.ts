import type { PlainObject } from '../../core/json/values.ts';
import type { InferenceField } from './mappings.ts';

const KEYWORD = { type: 'keyword', ignore_above: 8191 };
const FLOAT = { type: 'float' };
const INTEGER = { type: 'integer' };

/** The properties of a task's result fields. */
export const resultProperties = (field: InferenceField): PlainObject => PROPERTIES[field.task]?.(field) ?? {};

const classes = ({ results_field }: InferenceField): PlainObject => ({
  [results_field]: KEYWORD,
  prediction_probability: FLOAT,
  top_classes: { properties: { class_name: KEYWORD, class_probability: FLOAT, class_score: FLOAT } },
});

const vectorOf = ({ dims, similarity, element_type }: InferenceField): PlainObject => ({
  type: 'dense_vector',
  dims,
  index: true,
  // Bits are compared by their distance only.
  similarity: element_type === 'bit' ? 'l2_norm' : similarity,
  ...(element_type !== 'float' && { element_type }),
});

const inWindows = ({ windows }: InferenceField, embedding: PlainObject): PlainObject =>
  windows ? { type: 'nested', properties: { text_start: INTEGER, text_end: INTEGER, embedding } } : embedding;

const PROPERTIES: Readonly<Record<string, (field: InferenceField) => PlainObject>> = {
  ner: ({ results_field }) => ({
    [results_field]: { type: 'text' },
    entities: {
      properties: {
        entity: KEYWORD,
        class_name: { type: 'keyword' },
        class_probability: FLOAT,
        start_pos: INTEGER,
        end_pos: INTEGER,
      },
    },
  }),
  text_embedding: (field) => ({ [field.results_field]: inWindows(field, vectorOf(field)) }),
  text_classification: classes,
  zero_shot_classification: classes,
  fill_mask: (field) => ({ ...classes(field), [`${field.results_field}_sequence`]: { type: 'text' } }),
  question_answering: ({ results_field }) => ({
    [results_field]: { type: 'text' },
    start_offset: INTEGER,
    end_offset: INTEGER,
    prediction_probability: FLOAT,
    top_classes: { properties: { answer: { type: 'text' }, score: FLOAT, start_offset: INTEGER, end_offset: INTEGER } },
  }),
  text_similarity: ({ results_field }) => ({ [results_field]: FLOAT }),
  text_expansion: (field) => ({ [field.results_field]: inWindows(field, { type: 'sparse_vector' }) }),
  pass_through: ({ results_field }) => ({ [results_field]: { type: 'float', index: false, doc_values: false } }),
};
