import type { LocalTask, ModelFiles } from '../manifest.ts';
import type { Entity } from '../tasks/ner.ts';
import type { LongText } from '../windows.ts';

/** What a worker thread gets to start with. */
export interface WorkerSettings {
  readonly model: ModelFiles;
  readonly threads: number;
}

export type Truncate = 'first' | 'none';

/** One text for one pass. */
export interface InferenceRequest {
  readonly text: string;
  readonly tasks: readonly LocalTask[];
  readonly truncate: Truncate;
  readonly longText: LongText;
}

/** What a pass over a text gave. */
export interface InferenceOutput {
  readonly entities: readonly Entity[] | undefined;
  /** One vector for each window, one window unless the whole text was asked for. Transferred, not copied. */
  readonly vectors: readonly Float32Array[] | undefined;
  /** UTF-16 positions of each window in the text. */
  readonly windows: readonly { readonly start: number; readonly end: number }[];
  readonly truncated: boolean;
  readonly tokens: number;
  /** Windows that ran together with its last one, and the tokens that runs were padded with since the answer before. */
  readonly batch: number;
  readonly padding: number;
}
