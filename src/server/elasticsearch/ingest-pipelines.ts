import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import type { InferenceClient } from '../../core/inference.ts';
import { Refusal } from '../../core/refusal.ts';
import { compilePipeline, type PipelineConfig, type PipelineTraits, type Problem } from '../../pipeline/compile.ts';
import type { CompiledPipeline, ProcessorTable } from '../../pipeline/definition.ts';
import type { StepStats } from '../../pipeline/step-stats.ts';
import type { StateFile } from './state-file.ts';

const body = z.looseObject({
  description: z.string().optional(),
  processors: z.array(z.unknown()),
  on_failure: z.array(z.unknown()).optional(),
  version: z.number().int().optional(),
  _meta: z.record(z.string(), z.unknown()).optional(),
  deprecated: z.boolean().optional(),
});
export const pipelinesSchema = z.record(z.string(), body);
export type PipelineBody = z.output<typeof body>;

/** A pipeline that can run. */
export interface RunnablePipeline {
  readonly compiled: CompiledPipeline;
  /** True where a regular expression may run: it is then watched. */
  readonly usesRegex: boolean;
}

interface HeldPipeline extends RunnablePipeline {
  /** What each of its processors did. */
  readonly steps: readonly StepStats[];
}

export interface IngestPipelinesParts {
  readonly table: ProcessorTable;
  readonly inference: InferenceClient;
  /** Where they outlive the process; only for as long as it runs where it is absent. */
  readonly state: StateFile<Record<string, PipelineBody>> | undefined;
}

const KNOWN: ReadonlySet<string> = new Set(Object.keys(body.shape));
const MOST_PIPELINES = 10_000;

/** The ingest pipelines that the server runs itself. */
export class IngestPipelines {
  readonly #parts: IngestPipelinesParts;
  readonly #bodies = new Map<string, PipelineBody>();
  readonly #compiled = new Map<string, HeldPipeline>();

  /** @throws SluiceError SLUICE_STATE, Refusal where one that was kept cannot run any more */
  constructor(parts: IngestPipelinesParts) {
    this.#parts = parts;
    for (const [id, kept] of Object.entries(parts.state?.read() ?? {})) {
      this.#compiled.set(id, this.#compile(id, kept));
      this.#bodies.set(id, kept);
    }
  }

  get size(): number {
    return this.#bodies.size;
  }

  get all(): readonly (readonly [string, PipelineBody])[] {
    return [...this.#bodies];
  }

  /** What the processors of all of them did since each was put. */
  get steps(): StepStats[] {
    return [...this.#compiled.values()].flatMap(({ steps }) => steps);
  }

  get(id: string): RunnablePipeline | undefined {
    return this.#compiled.get(id);
  }

  /** @throws Refusal 400 with what is wrong, 409 where the version is another */
  put(id: string, raw: unknown, ifVersion?: number): void {
    const parsed = readPipeline(raw);
    const before = this.#bodies.get(id);
    if (ifVersion !== undefined && before?.version !== ifVersion)
      throw new Refusal(
        400,
        'illegal_argument_exception',
        before === undefined
          ? `version conflict, required version [${ifVersion}] for pipeline [${id}] but no pipeline was found`
          : `version conflict, required version [${ifVersion}] for pipeline [${id}] but current version is [${before.version}]`,
      );
    if (before === undefined && this.#bodies.size >= MOST_PIPELINES)
      throw new Refusal(400, 'illegal_argument_exception', `there are ${MOST_PIPELINES} pipelines already`);
    const compiled = this.#compile(id, parsed);
    this.#keep(new Map([...this.#bodies, [id, parsed]]));
    this.#compiled.set(id, compiled);
  }

  delete(ids: readonly string[]): void {
    const left = new Map(this.#bodies);
    for (const id of ids) left.delete(id);
    this.#keep(left);
    for (const id of ids) this.#compiled.delete(id);
  }

  /** One that is only tried, never kept. @throws Refusal 400 */
  compile(id: string, raw: unknown): RunnablePipeline {
    return this.#compile(id, readPipeline(raw));
  }

  /** Those that name a model. */
  using(model: string): string[] {
    const name = JSON.stringify(model);
    return [...this.#bodies].flatMap(([id, pipeline]) =>
      JSON.stringify(pipeline).includes(`"model_id":${name}`) ? [id] : [],
    );
  }

  /** First the disk: what is acknowledged is there after a crash. */
  #keep(bodies: ReadonlyMap<string, PipelineBody>): void {
    this.#parts.state?.write(Object.fromEntries(bodies));
    this.#bodies.clear();
    for (const [id, kept] of bodies) this.#bodies.set(id, kept);
  }

  #compile(id: string, config: PipelineBody): HeldPipeline {
    const problems: Problem[] = [];
    const traits: PipelineTraits = { usesRegex: false, steps: [] };
    const compiled = compilePipeline(
      id,
      config as PipelineConfig,
      [],
      {
        table: this.#parts.table,
        clock: systemClock,
        inference: this.#parts.inference,
        pipeline: (name) => this.#compiled.get(name)?.compiled,
        problem: (problem) => problems.push(problem),
      },
      traits,
    );
    const [first] = problems;
    if (first !== undefined) throw new Refusal(400, 'parse_exception', reasonOf(first, problems.length));
    return { compiled, steps: traits.steps, usesRegex: traits.usesRegex };
  }
}

/** Elasticsearch names the processor in fields of its own; its place in the pipeline says more. */
const reasonOf = ({ path, message }: Problem, count: number): string =>
  `${path.length === 0 ? '' : `[${path.join('.')}] `}${message}${count > 1 ? ` (and ${count - 1} more)` : ''}`;

const readPipeline = (raw: unknown): PipelineBody => {
  const parsed = body.safeParse(raw);
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
    const missing = path.length === 1 && (raw as Record<string, unknown> | null)?.[String(path[0])] === undefined;
    throw new Refusal(
      400,
      'parse_exception',
      missing ? `[${String(path[0])}] required property is missing` : `[${path.join('.')}] ${message}`,
    );
  }
  const unknown = Object.keys(parsed.data).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0)
    throw new Refusal(
      400,
      'parse_exception',
      `pipeline doesn't support one or more provided configuration parameters [${unknown.join(', ')}]`,
    );
  return parsed.data;
};
