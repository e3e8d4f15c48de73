import { IngestDocument } from '../../core/document.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { writeJson } from '../../core/json/write.ts';
import type { Manifest } from '../../inference/manifest-schema.ts';
import { ModelSet } from '../../inference/model-set.ts';
import { localModelOptions } from '../../inference/options.ts';
import { showReference } from '../../inference/store/names.ts';
import { ModelStore, usable } from '../../inference/store/store.ts';
import { runTrial } from '../../inference/trial.ts';
import { addModels } from '../add-models.ts';
import type { StreamConfig } from '../stream-config.ts';

export interface TestOptions {
  readonly json?: boolean;
  readonly text?: string;
  readonly inferenceConfig?: InferenceConfig;
}

const TEXT = 'Marie Curie worked in Paris.';
/** A model that fills a mask needs one. */
const textFor = ({ tasks: { fill_mask } }: Manifest): string =>
  fill_mask === undefined ? TEXT : `Paris is the ${fill_mask.mask_token} of France.`;
const SHOWN_NUMBERS = 6;
const silent = { info: () => {}, warn: () => {} };

/** `sluice models test`: loads a model as a stream would, and runs one text through each of its tasks. */
export const modelsTest = async (name: string, options: TestOptions): Promise<number> => {
  const model = usable(new ModelStore().find(name));
  const { manifest } = model;
  const text = options.text ?? textFor(manifest);
  const started = performance.now();
  const models = new ModelSet(silent);
  load(models, showReference(model));
  try {
    await models.start(runTrial);
    const loaded_ms = performance.now() - started;
    for (const config of configsOf(model, options.inferenceConfig)) {
      const task = Object.keys(config)[0]!;
      const before = performance.now();
      const result = await infer(models, config, text);
      const took_ms = performance.now() - before;
      if (options.json === true)
        console.log(
          `{"model_id":${JSON.stringify(showReference(model))},"task":"${task}","loaded_ms":${loaded_ms.toFixed(1)},"took_ms":${took_ms.toFixed(1)},"result":${writeJson(result)}}`,
        );
      else {
        console.log(`${task}: ${took_ms.toFixed(1)} ms (loaded and tried in ${(loaded_ms / 1000).toFixed(1)} s)`);
        console.log(shortened(JSON.stringify(JSON.parse(writeJson(result)), shortArrays, 2)));
      }
    }
  } finally {
    await models.close();
  }
  return 0;
};

const load = (models: ModelSet, model_id: string): void => {
  const options = localModelOptions.parse({ model_id, number_of_allocations: 1 });
  addModels(
    models,
    { models: { test: options } } as unknown as StreamConfig,
    'sluice models test',
    silent,
    ({ message }) => {
      throw new SluiceError('SLUICE_MODEL_INVALID', message, { place: model_id });
    },
  );
};

const infer = (models: ModelSet, config: InferenceConfig, text: string): Promise<PlainObject> =>
  new Promise((resolve, reject) => {
    const failed = (error: unknown) =>
      reject(
        new SluiceError('SLUICE_MODEL_INVALID', `the model failed on the text: ${messageOf(error)}`, {
          hint: '--text and --inference-config say what it is asked.',
          cause: error,
        }),
      );
    try {
      const document = new IngestDocument({ source: {} });
      models
        .client()
        .bind('test', config, 'text')
        .infer(document, text, (error, result) => (error === undefined ? resolve(result!) : failed(error)));
    } catch (error) {
      failed(error);
    }
  });

/** What tasks are asked that do nothing without it. */
const ASKED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  zero_shot_classification: { labels: ['science', 'sports'] },
  question_answering: { question: 'Where did Marie Curie work?' },
  text_similarity: { text: 'Who worked in Paris?' },
};

/** One for each task, with what a task cannot do without where the model has no default for it. */
const configsOf = ({ manifest }: ReturnType<typeof usable>, given: InferenceConfig | undefined): InferenceConfig[] => {
  if (given !== undefined) return Object.keys(given).map((task) => ({ [task]: given[task]! }));
  const defaults = manifest.inference_config as InferenceConfig | undefined;
  return Object.keys(manifest.tasks).map((task) => ({ [task]: { ...ASKED[task], ...defaults?.[task] } }));
};

/** Of a vector the first numbers tell enough. */
const shortArrays = (_key: string, value: unknown): unknown =>
  Array.isArray(value) && value.length > SHOWN_NUMBERS && value.every((item) => typeof item === 'number')
    ? [...value.slice(0, SHOWN_NUMBERS).map((item) => Number((item as number).toFixed(4))), `… ${value.length} numbers`]
    : value;

const shortened = (text: string): string =>
  text.replace(/\[\n\s+([-\d][^[\]{}]*?)\n\s*\]/g, (_, inner: string) => `[${inner.replace(/\s*\n\s*/g, ' ')}]`);
