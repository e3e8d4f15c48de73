import type { LocalTask } from '../inference/manifest.ts';
import type { InferenceField } from '../sinks/elasticsearch/mappings.ts';
import type { LoadedStream } from './load-stream.ts';

interface InferenceOptions {
  readonly model_id?: string;
  readonly target_field?: string;
  readonly tag?: string;
  readonly inference_config?: Readonly<Record<string, { readonly results_field?: string }>>;
  readonly input_output?: unknown;
}

/** The fields that the stream's inference processors write, for the mapping: top-level ones, and those of its named pipelines. */
export const inferenceFields = ({ config, models }: LoadedStream): InferenceField[] => {
  const lists = [config.processors, ...Object.values(config.pipelines).map((pipeline) => pipeline.processors)];
  return lists.flat().flatMap((step) => {
    const options = (step as { inference?: InferenceOptions } | null)?.inference;
    if (options?.model_id === undefined || options.input_output !== undefined) return [];
    const files = models.files(options.model_id);
    if (files === undefined) return [];
    const { manifest } = files;
    const [named] = Object.entries(options.inference_config ?? {});
    const task = (named?.[0] ?? Object.keys(manifest.tasks)[0]) as LocalTask;
    const embedding = manifest.tasks.text_embedding;
    const path = options.target_field ?? (options.tag === undefined ? 'ml.inference' : `ml.inference.${options.tag}`);
    // A templated field has no name to map.
    if (path.includes('{{')) return [];
    return [
      {
        path,
        results_field: named?.[1]?.results_field ?? 'predicted_value',
        task,
        model_id: manifest.id,
        sha256: models.sha256(options.model_id),
        pooling: embedding?.pooling ?? 'none',
        dims: embedding?.dims ?? 0,
        similarity: embedding?.similarity ?? 'cosine',
        windows: models.longText(options.model_id) === 'sentences',
      },
    ];
  });
};
