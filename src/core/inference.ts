import type { IngestDocument } from './document.ts';
import type { JsonObject, PlainObject } from './json/values.ts';

/** `inference_config` of an inference processor: one task name with its options, or none for the model's own task. */
export type InferenceConfig = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Writes a result in another way than as fields of its own. */
export interface FieldLayout {
  write(
    document: IngestDocument,
    place: { readonly input: string; readonly output: string },
    text: string,
    result: JsonObject,
  ): void;
}

/** One inference step of a compiled pipeline, bound to its model. */
export interface InferenceStep {
  /** How `input_output` writes what it says; as its main result and the fields beside it where this is absent. */
  readonly layout?: FieldLayout | undefined;
  /**
   * Infers `text` for a document.
   * `done` is called exactly once, perhaps before `infer` returns: with the result fields as Elasticsearch names them
   * (`predicted_value`, `entities`, …), or with an error that only this text or its options caused. Waiting for room,
   * retries of a cluster's refusals and restarts of workers happen behind it.
   */
  infer(document: IngestDocument, text: string, done: (error: Error | undefined, result?: PlainObject) => void): void;
}

/** How processors reach models; one for each compiled stream. */
export interface InferenceClient {
  /**
   * Binds a step at compile time. Steps that ask several tasks of one model and one `input` share a pass.
   * @param input what the step reads, e.g. the field path; steps with equal inputs read the same text
   * @throws ProcessorError when the model is unknown or does not do the task
   */
  bind(modelId: string, config: InferenceConfig | undefined, input: string): InferenceStep;
}
