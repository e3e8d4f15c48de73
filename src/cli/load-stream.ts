import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { explainIssues, type PathMistake } from '../config/explain.ts';
import { systemVariables, type Variables } from '../config/interpolate.ts';
import { type Mistake, readYaml } from '../config/yaml-file.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import type { ModelLog } from '../inference/load-local.ts';
import { ModelSet } from '../inference/model-set.ts';
import { compilePipeline, type PipelineConfig, type PipelineTraits, type Problem } from '../pipeline/compile.ts';
import type { CompiledPipeline } from '../pipeline/definition.ts';
import { PROCESSORS } from '../processors/table.ts';
import { addModels } from './add-models.ts';
import { checkCodecs, checkStream } from './check-stream.ts';
import { LITERAL_KEYS, type StreamConfig, streamSchema } from './stream-config.ts';
import { tracedInference, tracesAsked } from './tracing.ts';

/** A pipeline file that was read, checked and compiled; nothing is connected or loaded yet. */
export interface LoadedStream {
  readonly file: string;
  readonly name: string;
  readonly config: StreamConfig;
  readonly pipeline: CompiledPipeline;
  readonly traits: PipelineTraits;
  readonly models: ModelSet;
}

export interface LoadResult {
  readonly stream: LoadedStream | undefined;
  /** All mistakes of the file, by line. */
  readonly mistakes: readonly Mistake[];
}

/** What a command changes about a file before it is checked, e.g. the source of a replay. */
export type Override = (config: Record<string, unknown>) => void;

const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** Reads a pipeline file and finds all its mistakes at once. */
export const loadStream = (
  file: string,
  log: ModelLog,
  override?: Override,
  variables: Variables = systemVariables,
): LoadResult => {
  const yaml = readYaml(file, readText(file), variables, LITERAL_KEYS);
  if (yaml.mistakes.length > 0) return { stream: undefined, mistakes: yaml.mistakes };
  const raw = yaml.value;
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    return {
      stream: undefined,
      mistakes: [{ message: 'a pipeline file is an object with source, processors and sink', line: 1, column: 1 }],
    };
  }
  override?.(raw as Record<string, unknown>);
  const parsed = streamSchema.safeParse(raw);
  const problems: (PathMistake & { readonly offset?: number })[] = [];
  if (!parsed.success) problems.push(...explainIssues(parsed.error, streamSchema, raw));
  // The processors are checked even where the rest is wrong: all mistakes in one go.
  const config = parsed.success ? parsed.data : salvage(raw as Record<string, unknown>);
  const name = config.name ?? basename(file).replace(/\.ya?ml$/, '');
  const models = new ModelSet(log);
  addModels(models, config, file, log, (problem) => problems.push(problem));
  const { pipeline, traits } = compile(name, config, models, (problem) => problems.push(problem));
  if (parsed.success) problems.push(...checkStream(parsed.data), ...checkCodecs(parsed.data, dirname(file)));
  const mistakes = problems.map(({ path, message, key, offset }) => {
    const { line, column } = yaml.locate(path, key);
    return { message, line, column, ...(offset !== undefined && { offset }) };
  });
  mistakes.sort((a, b) => a.line - b.line || a.column - b.column);
  return {
    stream: parsed.success && mistakes.length === 0 ? { file, name, config, pipeline, traits, models } : undefined,
    mistakes,
  };
};

/** What of a wrong file can still be looked at. */
const salvage = (raw: Record<string, unknown>): StreamConfig => {
  const list = (value: unknown) => (Array.isArray(value) ? value : []);
  const models = Object.fromEntries(
    Object.entries((raw.models ?? {}) as object).flatMap(([id, options]) => {
      const parsed = streamSchema.shape.models.safeParse({ [id]: options });
      return parsed.success ? Object.entries(parsed.data) : [];
    }),
  );
  return {
    name: typeof raw.name === 'string' ? raw.name : undefined,
    processors: list(raw.processors),
    on_failure: raw.on_failure === undefined ? undefined : list(raw.on_failure),
    pipelines: {},
    models,
  } as unknown as StreamConfig;
};

const compile = (name: string, config: StreamConfig, models: ModelSet, problem: (problem: Problem) => void) => {
  const traits: PipelineTraits = { usesRegex: false, steps: [] };
  const named = new Map<string, CompiledPipeline>();
  const context = {
    table: PROCESSORS,
    clock: systemClock,
    inference: tracesAsked() ? tracedInference(models.client()) : models.client(),
    pipeline: (id: string) => named.get(id),
    problem,
  };
  for (const [id, body] of Object.entries(config.pipelines))
    named.set(id, compilePipeline(id, body as PipelineConfig, ['pipelines', id], context, traits));
  const pipeline = compilePipeline(name, config, [], context, traits);
  return { pipeline, traits };
};

const readText = (file: string): string => {
  try {
    const text = readFileSync(file);
    if (text.length > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`);
    return text.toString('utf8');
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the pipeline file cannot be read: ${messageOf(error)}`, {
      place: file,
    });
  }
};

/** One line for each mistake, as compilers write them. */
export const formatMistakes = (file: string, mistakes: readonly Mistake[]): string =>
  mistakes.map(({ line, column, message }) => `${file}:${line}:${column}  ${message}`).join('\n');

/** @throws SluiceError SLUICE_CONFIG_INVALID with all mistakes */
export const mustLoad = (file: string, log: ModelLog, override?: Override): LoadedStream => {
  const { stream, mistakes } = loadStream(file, log, override);
  if (stream !== undefined) return stream;
  throw new SluiceError(
    'SLUICE_CONFIG_INVALID',
    `${mistakes.length === 1 ? 'one mistake' : `${mistakes.length} mistakes`} in the pipeline file:\n${formatMistakes(file, mistakes)}`,
  );
};
