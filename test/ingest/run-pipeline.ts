import { systemClock } from '../../src/core/clock.ts';
import { IngestDocument, type MetadataField } from '../../src/core/document.ts';
import { ProcessorError } from '../../src/core/errors.ts';
import type { InferenceClient } from '../../src/core/inference.ts';
import { readJson } from '../../src/core/json/read.ts';
import type { JsonObject, JsonValue } from '../../src/core/json/values.ts';
import { compilePipeline, type PipelineConfig, type Problem } from '../../src/pipeline/compile.ts';
import type { CompiledPipeline } from '../../src/pipeline/definition.ts';
import { type ExecutionHooks, type ExecutionResult, PipelineExecution } from '../../src/pipeline/execution.ts';
import { PROCESSORS } from '../../src/processors/table.ts';

/** A model that finds one place in every text, and counts its letters; it fails for texts with `fail` in them. */
export const testModel = (answered: 'later' | 'at once' = 'later'): InferenceClient => ({
  bind: (modelId, config) => {
    if (modelId === 'unknown') throw new ProcessorError('illegal_argument_exception', 'no model [unknown]');
    const [task = 'ner'] = Object.keys(config ?? {});
    return {
      infer: (_document, text, done) => {
        const answer = () => {
          if (text.includes('fail')) return done(new ProcessorError('status_exception', `cannot infer [${text}]`));
          const results: JsonObject =
            task === 'text_embedding'
              ? { predicted_value: [text.length, 0.5] }
              : { predicted_value: `[${text}](LOC&${text})`, entities: [{ entity: text, class_name: 'LOC' }] };
          done(undefined, results);
        };
        if (answered === 'later') setImmediate(answer);
        else answer();
      },
    };
  },
});

export interface Compiled {
  readonly pipeline: CompiledPipeline;
  readonly problems: readonly Problem[];
}

/** Compiles a pipeline under the name `main`, with others that it may call. */
export const compile = (
  config: PipelineConfig,
  others: Readonly<Record<string, PipelineConfig>> = {},
  inference = testModel(),
): Compiled => {
  const problems: Problem[] = [];
  const named = new Map<string, CompiledPipeline>();
  const context = {
    table: PROCESSORS,
    clock: systemClock,
    inference,
    pipeline: (name: string) => named.get(name),
    problem: (problem: Problem) => problems.push(problem),
  };
  for (const [name, other] of Object.entries(others)) named.set(name, compilePipeline(name, other, [name], context));
  const pipeline = compilePipeline('main', config, [], context);
  named.set('main', pipeline);
  return { pipeline, problems };
};

export interface Ran {
  readonly document: IngestDocument;
  readonly result: ExecutionResult;
}

/** Sends a document, given as a value or as JSON, through a pipeline. */
export const execute = async (
  pipeline: CompiledPipeline,
  source: unknown,
  {
    metadata,
    hooks,
  }: { metadata?: Partial<Record<MetadataField, JsonValue>>; hooks?: Omit<ExecutionHooks, 'finished'> } = {},
): Promise<Ran> => {
  const text = typeof source === 'string' ? source : JSON.stringify(source);
  const document = new IngestDocument({
    source: readJson(Buffer.from(text)).value as JsonObject,
    metadata: { _index: '_index', _id: '_id', ...metadata },
    timestamp: 0,
  });
  const result = await new Promise<ExecutionResult>((resolve) =>
    new PipelineExecution(document, pipeline, { ...hooks, finished: resolve }).run(),
  );
  return { document, result };
};
