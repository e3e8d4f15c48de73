import type { ProcessorTable } from '../../pipeline/definition.ts';

/** What of a pipeline may not be here: types of processors, and pipelines that it calls. */
export interface PipelineParts {
  readonly types: ReadonlySet<string>;
  readonly pipelines: ReadonlySet<string>;
}

/** Lists inside lists at most: a body is no deeper than its parser lets it be, and this is no place to find out. */
const DEEPEST = 100;

/** What a pipeline is made of, `on_failure` and processors within processors included; never throws, whatever it is given. */
export const partsOf = (pipeline: unknown): PipelineParts => {
  const types = new Set<string>();
  const pipelines = new Set<string>();
  const list = (value: unknown, depth: number): void => {
    if (Array.isArray(value) && depth < DEEPEST) for (const item of value) processor(item, depth);
  };
  const processor = (value: unknown, depth: number): void => {
    if (!isObject(value)) return;
    for (const [type, options] of Object.entries(value)) {
      types.add(type);
      if (!isObject(options)) continue;
      // A name that a document completes says nothing before there is one.
      if (type === 'pipeline' && typeof options.name === 'string' && !options.name.includes('{{'))
        pipelines.add(options.name);
      list(options.on_failure, depth + 1);
      if (type === 'foreach') list([options.processor], depth + 1);
    }
  };
  if (isObject(pipeline)) {
    list(pipeline.processors, 0);
    list(pipeline.on_failure, 0);
  }
  return { types, pipelines };
};

/** The first type of processor that only the cluster may have. */
export const foreignType = (parts: PipelineParts, table: ProcessorTable): string | undefined =>
  [...parts.types].find((type) => !Object.hasOwn(table, type));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
