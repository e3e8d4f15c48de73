import type { IngestDocument } from '../core/document.ts';
import { ProcessorError } from '../core/errors.ts';
import type { InferenceStep } from '../core/inference.ts';
import { entriesOf, getKey, type JsonValue, javaString, objectOf } from '../core/json/values.ts';
import type { Execution } from '../pipeline/definition.ts';
import { finish, setOrAppend } from './inference-results.ts';

/** The name of the input that Elasticsearch's text models read. */
const TEXT_FIELD = 'text_field';
/** Its built-in one has another. */
const OTHER_FIELDS: Readonly<Record<string, string>> = { lang_ident_model_1: 'text' };

export interface TextOptions {
  readonly model_id: string;
  readonly target: string;
  /** Fields of the document to names of the model's. */
  readonly fieldMap: Readonly<Record<string, string>>;
  readonly bind: (input: string) => InferenceStep;
}

/** One text, and all result fields under one field. */
export const inferText = ({ model_id, target, fieldMap, bind }: TextOptions): Execution => {
  const own = Object.hasOwn(OTHER_FIELDS, model_id) ? OTHER_FIELDS[model_id]! : TEXT_FIELD;
  const mapped = Object.keys(fieldMap).filter((field) => fieldMap[field] === own);
  const step = bind(mapped.join() || own);
  if (step.layout !== undefined)
    throw new Error(`the model [${model_id}] writes semantic_text, which needs [input_output]`);
  return {
    mode: 'async',
    start: (document, done) => {
      const text = textOf(document, mapped, own);
      step.infer(document, text, (error, result) => {
        if (error !== undefined) return done(error);
        finish(done, () =>
          setOrAppend(document, target, objectOf([...entriesOf(result ?? {}), ['model_id', model_id]])),
        );
      });
    },
  };
};

/** A field that the model knows by its own name comes before mapped ones, as in Elasticsearch. */
const textOf = (document: IngestDocument, mapped: readonly string[], own: string): string => {
  let value: JsonValue | undefined = getKey(document.source, own);
  for (const field of mapped) value ??= getKey(document.source, field) ?? document.find(field);
  if (typeof value === 'string') return value;
  throw new ProcessorError(
    'status_exception',
    value === undefined || value === null
      ? `Input field [${own}] does not exist in the source document`
      : `Input value [${javaString(value)}] for field [${own}] must be a string`,
  );
};
