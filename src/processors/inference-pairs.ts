import type { IngestDocument } from '../core/document.ts';
import { illegalArgument } from '../core/errors.ts';
import type { InferenceStep } from '../core/inference.ts';
import { entriesOf, hasKey, type JsonObject } from '../core/json/values.ts';
import type { Execution } from '../pipeline/definition.ts';
import { finish, setOrAppend } from './inference-results.ts';

export interface PairsOptions {
  readonly model_id: string;
  readonly pairs: readonly { readonly input_field: string; readonly output_field: string }[];
  readonly ignoreMissing: boolean;
  readonly bind: (input: string) => InferenceStep;
}

interface Pair {
  readonly input: string;
  readonly output: string;
  readonly step: InferenceStep;
}

/** `input_output`: all texts are inferred together, and nothing is written unless all of them could be. */
export const outputPairs = ({ model_id, pairs, ignoreMissing, bind }: PairsOptions): Execution => {
  const bound = pairs.map(({ input_field, output_field }) => ({
    input: input_field,
    output: output_field,
    step: bind(input_field),
  }));
  return {
    mode: 'async',
    start: (document, done) => {
      const texts = bound.flatMap((pair) => {
        const text = textAt(document, pair.input, ignoreMissing);
        return text === undefined ? [] : [{ pair, text }];
      });
      if (texts.length === 0) return done();
      const results: JsonObject[] = [];
      const errors: Error[] = [];
      let open = texts.length;
      const settle = (index: number, error: Error | undefined, result: JsonObject | undefined) => {
        if (error !== undefined) errors[index] = error;
        else results[index] = result ?? {};
        open -= 1;
        if (open > 0) return;
        const first = errors.find((each) => each !== undefined);
        if (first !== undefined) return done(first);
        finish(done, () => {
          texts.forEach(({ pair, text }, at) => {
            const { layout } = pair.step;
            if (layout !== undefined) layout.write(document, pair, text, results[at]!);
            else writeFields(document, pair, results[at]!, at === 0 ? model_id : undefined);
          });
        });
      };
      texts.forEach(({ pair, text }, index) =>
        pair.step.infer(document, text, (error, result) => settle(index, error, result)),
      );
    },
  };
};

/** The text; undefined where there is none and that is allowed. A null is no text, and no fault. */
const textAt = (document: IngestDocument, field: string, ignoreMissing: boolean): string | undefined => {
  const value = ignoreMissing ? (document.find(field) ?? null) : document.get(field);
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  throw illegalArgument(`input field [${field}] cannot be processed because it is not a text field`);
};

/** The main result under the name that was asked for, the others beside it under their own. */
const writeFields = (document: IngestDocument, { output }: Pair, result: JsonObject, modelId: string | undefined) => {
  const dot = output.lastIndexOf('.') + 1;
  const base = output.slice(0, dot);
  const entries = entriesOf(result);
  const main = hasKey(result, 'predicted_value') ? 'predicted_value' : entries[0]?.[0];
  for (const [key, value] of entries) setOrAppend(document, key === main ? output : base + key, value);
  if (modelId !== undefined) setOrAppend(document, `${base}model_id`, modelId);
};
