import type { Truncate } from '../inference-config.ts';
import type { ModelFiles } from '../manifest.ts';
import type { LocalTask } from '../manifest-schema.ts';
import type { LongText } from '../windows.ts';
import type { ExecutionProvider } from './provider.ts';

/** What a worker thread gets to start with. */
export interface WorkerSettings {
  readonly model: ModelFiles;
  readonly threads: number;
  readonly provider: ExecutionProvider;
  /** True for a deployment of low priority. */
  readonly low: boolean;
}

/** A task, and its options that change the result. */
export interface Ask {
  readonly task: LocalTask;
  readonly asked: unknown;
}

/** One text for one pass. Tasks that go through the model in another shape than others have a pass of their own. */
export interface InferenceRequest {
  readonly text: string;
  readonly asks: readonly Ask[];
  readonly truncate: Truncate;
  readonly span: number;
  readonly longText: LongText;
}

/** What a pass over a text gave. */
export interface InferenceOutput {
  /** By task. Vectors are transferred, not copied. */
  readonly results: Readonly<Partial<Record<LocalTask, unknown>>>;
  /** UTF-16 positions of each window in the text. */
  readonly windows: readonly { readonly start: number; readonly end: number }[];
  readonly truncated: boolean;
  readonly tokens: number;
  /** Windows that ran together with its last one, and the tokens that runs were padded with since the answer before. */
  readonly batch: number;
  readonly padding: number;
}
