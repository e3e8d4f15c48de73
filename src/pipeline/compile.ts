import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import { isObject, type JsonObject, type JsonValue } from '../core/json/values.ts';
import { nearest } from '../core/nearest.ts';
import { compileCondition, PainlessError } from '../painless/condition.ts';
import type { BuildContext, CompiledPipeline, ProcessorTable } from './definition.ts';
import { explainIssue } from './explain-issue.ts';
import type { Path, Problem } from './problem.ts';
import type { Step } from './step.ts';
import type { StepStats } from './step-stats.ts';

export type { Problem } from './problem.ts';

export interface PipelineConfig {
  readonly processors: readonly unknown[];
  readonly on_failure?: readonly unknown[] | undefined;
}

/** Options that every processor takes. */
export const COMMON_OPTIONS = {
  if: z
    .union([
      z.string(),
      z.strictObject({
        source: z.string().describe('The script.'),
        lang: z.literal('painless').optional().describe('Its language.'),
        params: z.record(z.string(), z.unknown()).optional().describe('What it sees as `params`.'),
      }),
    ])
    .optional()
    .describe('Painless condition: the processor runs only where it is true.'),
  tag: z.string().optional().describe('Name of the processor in messages, metrics and dead letters.'),
  description: z.string().optional().describe('What the processor is for.'),
  ignore_failure: z.boolean().default(false).describe('Go on with the next processor when this one fails.'),
  on_failure: z.array(z.unknown()).optional().describe('Processors that run when this one fails.'),
};
const common = z.looseObject(COMMON_OPTIONS);
const COMMON_KEYS: ReadonlySet<string> = new Set(Object.keys(COMMON_OPTIONS));

export interface CompileContext extends Omit<BuildContext, 'step' | 'tag'> {
  readonly table: ProcessorTable;
  /** Of the pipeline that is compiled. */
  readonly name?: string;
  /** Called for every mistake: all of them are found in one go. */
  readonly problem: (problem: Problem) => void;
}

/** What a compiled pipeline asks of whoever runs it. */
export interface PipelineTraits {
  /** True when a regular expression may run: the slice has to be interruptible. */
  usesRegex: boolean;
  /** What each processor did. */
  readonly steps: StepStats[];
}

const REGEX_PROCESSORS: ReadonlySet<string> = new Set(['gsub', 'split']);

/** Compiles `processors` and `on_failure`; mistakes go to `context.problem` and their steps are left out. */
export const compilePipeline = (
  name: string,
  config: PipelineConfig,
  path: Path,
  context: CompileContext,
  traits: PipelineTraits = { usesRegex: false, steps: [] },
): CompiledPipeline => ({
  name,
  steps: compileList(config.processors, [...path, 'processors'], { ...context, name }, traits),
  onFailure:
    config.on_failure === undefined
      ? []
      : compileList(config.on_failure, [...path, 'on_failure'], { ...context, name }, traits),
});

const compileList = (list: readonly unknown[], path: Path, context: CompileContext, traits: PipelineTraits): Step[] =>
  list.flatMap((item, index) => compileStep(item, [...path, index], context, traits) ?? []);

const compileStep = (
  config: unknown,
  path: Path,
  context: CompileContext,
  traits: PipelineTraits,
): Step | undefined => {
  const { problem } = context;
  const entries = typeof config === 'object' && config !== null && !Array.isArray(config) ? Object.entries(config) : [];
  const [type, body] = entries[0] ?? [];
  if (type === undefined || entries.length !== 1) {
    problem({ path, message: 'a processor is written as one key, its type, with its options below' });
    return undefined;
  }
  const here = [...path, type];
  if (!Object.hasOwn(context.table, type)) {
    problem({
      path: here,
      message: `No processor type exists with name [${type}]${nearest(type, Object.keys(context.table))}`,
    });
    return undefined;
  }
  const definition = context.table[type]!;
  // `- drop:` has no options at all.
  const given = body ?? {};
  if (!isObject(given as JsonValue)) {
    problem({ path: here, message: `the options of [${type}] must be an object` });
    return undefined;
  }
  const options = withoutNulls(given as JsonObject, definition.options);
  const shared = common.safeParse(options);
  const own = definition.options.safeParse(withoutCommon(options));
  for (const result of [shared, own]) {
    if (!result.success)
      for (const issue of result.error.issues)
        problem(explainIssue(issue, type, here, options, knownKeys(definition.options)));
  }
  if (!shared.success) return undefined;
  const condition =
    shared.data.if === undefined ? undefined : compileIf(shared.data.if, [...here, 'if'], problem, traits);
  const onFailure = shared.data.on_failure;
  if (onFailure?.length === 0)
    problem({ path: [...here, 'on_failure'], message: '[on_failure] processors list cannot be empty' });
  const handlers = onFailure === undefined ? [] : compileList(onFailure, [...here, 'on_failure'], context, traits);
  if (!own.success) return undefined;
  if (REGEX_PROCESSORS.has(type)) traits.usesRegex = true;
  try {
    const execution = definition.build(own.data, {
      tag: shared.data.tag,
      clock: context.clock,
      inference: context.inference,
      pipeline: context.pipeline,
      step: (nested, below) => {
        const step = compileStep(nested, [...here, ...below], context, traits);
        if (step === undefined) throw new NestedProblem();
        return step;
      },
    });
    const { tag } = shared.data;
    const stats: StepStats = { pipeline: context.name ?? '', type, tag, executions: 0, failures: 0, seconds: 0 };
    traits.steps.push(stats);
    return {
      type,
      tag,
      description: shared.data.description,
      condition,
      conditionText: typeof shared.data.if === 'object' ? shared.data.if.source : shared.data.if,
      ignoreFailure: shared.data.ignore_failure,
      onFailure: handlers,
      execution,
      stats,
    };
  } catch (error) {
    if (!(error instanceof NestedProblem)) problem({ path: here, message: messageOf(error) });
    return undefined;
  }
};

/** The mistake has been reported where it stands. */
class NestedProblem extends Error {}

const withoutCommon = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([key]) => !COMMON_KEYS.has(key)));

/** An option that is null counts as not given, as in Elasticsearch; one that nobody knows is kept, to be refused. */
const withoutNulls = (options: JsonObject, schema: z.ZodType): object => {
  const known = new Set(knownKeys(schema));
  return Object.fromEntries(Object.entries(options).filter(([key, value]) => value !== null || !known.has(key)));
};

const knownKeys = (schema: z.ZodType): string[] => [
  ...Object.keys((schema as { shape?: object }).shape ?? {}),
  ...COMMON_KEYS,
];

const compileIf = (
  script: z.infer<typeof COMMON_OPTIONS.if>,
  path: Path,
  problem: CompileContext['problem'],
  traits: PipelineTraits,
): Step['condition'] => {
  const source = typeof script === 'string' ? script : script!.source;
  try {
    const condition = compileCondition(
      source,
      typeof script === 'string' ? undefined : (script?.params as JsonObject | undefined),
    );
    traits.usesRegex ||= condition.usesRegex;
    return (document) => condition.test(document);
  } catch (error) {
    if (!(error instanceof PainlessError)) throw error;
    problem({
      path: typeof script === 'string' ? path : [...path, 'source'],
      message: error.message,
      offset: error.offset,
    });
    return undefined;
  }
};
