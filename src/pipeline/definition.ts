import type { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import type { IngestDocument } from '../core/document.ts';
import type { InferenceClient } from '../core/inference.ts';
import type { Step } from './step.ts';

export type Verdict = 'keep' | 'drop';

/** What a processor does with a document. Only `async` may wait; the others run in a plain loop without promises. */
export type Execution =
  | { readonly mode: 'sync'; readonly execute: (document: IngestDocument) => Verdict }
  /** `done` is called exactly once, perhaps before `start` returns. */
  | { readonly mode: 'async'; readonly start: (document: IngestDocument, done: (error?: Error) => void) => void }
  /** Runs another pipeline; undefined skips the step. */
  | { readonly mode: 'call'; readonly pipeline: (document: IngestDocument) => CompiledPipeline | undefined }
  /** Runs `step` once for each element of `field`, as `_ingest._value`. */
  | { readonly mode: 'foreach'; readonly field: string; readonly ignoreMissing: boolean; readonly step: Step };

/** What a processor gets when it is built. */
export interface BuildContext {
  readonly tag: string | undefined;
  readonly clock: Clock;
  readonly inference: InferenceClient;
  /** Looks a pipeline up when a document needs it: pipelines may call each other. */
  readonly pipeline: (name: string) => CompiledPipeline | undefined;
  /** Compiles a nested processor, e.g. `{ set: { … } }` of a foreach. Mistakes in it are reported with their place. */
  readonly step: (config: unknown, path: readonly (string | number)[]) => Step;
}

export interface Example<S extends z.ZodType> {
  readonly options: z.input<S>;
  readonly before: object;
  readonly after: object;
}

/** A processor: one file. Options, their documentation and the example that is also a test stand beside the code. */
export interface ProcessorDefinition<S extends z.ZodType = z.ZodType> {
  readonly type: string;
  readonly summary: string;
  readonly options: S;
  readonly example: Example<S>;
  /** @throws Error with Elasticsearch's message when the options do not fit each other */
  readonly build: (options: z.output<S>, context: BuildContext) => Execution;
}

export const defineProcessor = <S extends z.ZodType>(definition: ProcessorDefinition<S>): ProcessorDefinition<S> =>
  definition;

/** Processor types by name: an explicit table, nothing registers itself. */
// biome-ignore lint/suspicious/noExplicitAny: definitions of different options share one table, each checked by its own schema
export type ProcessorTable = Readonly<Record<string, ProcessorDefinition<any>>>;

export interface CompiledPipeline {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly onFailure: readonly Step[];
}
