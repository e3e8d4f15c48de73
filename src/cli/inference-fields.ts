import type { LocalTask } from '../inference/manifest-schema.ts';
import { sizeOfVector } from '../inference/tasks/text-embedding.ts';
import type { InferenceField } from '../sinks/elasticsearch/mappings.ts';
import type { LoadedStream } from './load-stream.ts';

interface Pair {
  readonly output_field?: string;
}
interface InferenceOptions {
  readonly model_id?: string;
  readonly target_field?: string;
  readonly tag?: string;
  readonly inference_config?: Readonly<Record<string, { readonly results_field?: string }>>;
  readonly input_output?: Pair | readonly Pair[];
}

type Models = Pick<LoadedStream['models'], 'files' | 'sha256' | 'longText' | 'semanticText'>;
interface Stream {
  readonly config: Pick<LoadedStream['config'], 'processors' | 'on_failure' | 'pipelines'>;
  readonly models: Models;
}

/**
 * The fields that the stream's inference processors write, for the mapping: those of its pipelines, wherever in them a
 * processor stands.
 */
export const inferenceFields = ({ config, models }: Stream): InferenceField[] => {
  const lists = [config, ...Object.values(config.pipelines)].flatMap((pipeline) => [
    pipeline.processors,
    pipeline.on_failure,
  ]);
  return lists.flatMap(inferencesOf).flatMap((options) => fieldsOf(options, models));
};

/** Depth first, as the processors run. */
const inferencesOf = (steps: unknown): InferenceOptions[] =>
  (Array.isArray(steps) ? steps : []).flatMap((step: unknown) =>
    Object.entries((step ?? {}) as Record<string, unknown>).flatMap(([type, value]) => {
      const options = (value ?? {}) as InferenceOptions & {
        readonly processor?: unknown;
        readonly on_failure?: unknown;
      };
      return [
        ...(type === 'inference' ? [options] : []),
        ...(type === 'foreach' ? inferencesOf([options.processor]) : []),
        ...inferencesOf(options.on_failure),
      ];
    }),
  );

const fieldsOf = (options: InferenceOptions, models: Models): InferenceField[] => {
  const { model_id, inference_config, input_output, target_field, tag } = options;
  const files = model_id === undefined ? undefined : models.files(model_id);
  if (model_id === undefined || files === undefined) return [];
  const { manifest } = files;
  const [named] = Object.entries(inference_config ?? {});
  const task = (named?.[0] ?? manifest.task_type ?? Object.keys(manifest.tasks)[0]) as LocalTask;
  const embedding = manifest.tasks.text_embedding;
  const target = target_field ?? (tag === undefined ? 'ml.inference' : `ml.inference.${tag}`);
  const places: Pick<InferenceField, 'path' | 'results_field' | 'direct'>[] =
    input_output === undefined
      ? [{ path: target, results_field: named?.[1]?.results_field ?? 'predicted_value' }]
      : [input_output]
          .flat()
          .flatMap(({ output_field }: Pair) => (output_field === undefined ? [] : [beside(output_field)]));
  return (
    places
      // A templated field has no name to map, and an element of an array none of its own.
      .filter(({ path, results_field }) => !/\{\{|^_ingest(\.|$)/.test(`${path}.${results_field}`.replace(/^\./, '')))
      .map((place) => ({
        ...place,
        task,
        model_id: manifest.id,
        sha256: models.sha256(model_id),
        pooling: embedding?.pooling ?? 'none',
        dims: embedding === undefined ? 0 : sizeOfVector(embedding),
        element_type: embedding?.element_type ?? 'float',
        similarity: embedding?.similarity ?? 'cosine',
        windows: models.longText(model_id) !== 'truncate',
        semantic_text: place.direct === true ? models.semanticText(model_id)?.inference_id : undefined,
      }))
  );
};

/** The main result is the field itself; the others stand beside it. */
const beside = (output: string) => {
  const dot = output.lastIndexOf('.');
  return { path: output.slice(0, Math.max(0, dot)), results_field: output.slice(dot + 1), direct: true };
};
