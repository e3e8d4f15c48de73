import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { InferenceConfig } from '../../core/inference.ts';
import { Refusal } from '../../core/refusal.ts';
import { deriveTasks } from '../../inference/derive-manifest.ts';
import { MODEL_TASKS, type ModelTask } from '../../inference/manifest-schema.ts';
import { install } from '../../inference/store/install.ts';
import { isName, stagingFolder } from '../../inference/store/names.ts';
import type { ModelStore } from '../../inference/store/store.ts';
import {
  TOKENIZERS,
  type TokenizerName,
  uploadedTokenizer,
  type Vocabulary,
} from '../../inference/uploaded-tokenizer.ts';

export const uploadConfig = z.looseObject({
  model_type: z.enum(['pytorch', 'onnx']).default('pytorch'),
  description: z.string().optional(),
  inference_config: z.record(z.string(), z.record(z.string(), z.unknown())),
  prefix_strings: z.strictObject({ ingest: z.string().optional(), search: z.string().optional() }).optional(),
  tags: z.array(z.string()).optional(),
});
export type UploadConfig = z.output<typeof uploadConfig>;

export const definitionPart = z.strictObject({
  definition: z.string().min(1, '[definition] must not be empty'),
  total_definition_length: z
    .number()
    .int()
    .min(1)
    .max(32 * 1024 ** 3),
  total_parts: z.number().int().min(1).max(10_000),
});
export type DefinitionPart = z.output<typeof definitionPart>;

/** What of Elasticsearch's inference_config makes the model, and is no default of a processor. */
const OF_MODEL = ['tokenization', 'vocabulary', 'classification_labels', 'expansion_type', 'embedding_size'];
const NO_SUCH = (id: string) =>
  new Refusal(404, 'resource_not_found_exception', `No known trained model with model_id [${id}]`);

/**
 * Models that come over the interface in parts, as Elastic's own tool sends them. They are in the store once all of it is
 * there and it runs; until then nobody sees them.
 */
export class Uploads {
  readonly #store: ModelStore;

  constructor(store: ModelStore) {
    this.#store = store;
  }

  /** @throws Refusal 400 */
  async begin(id: string, config: UploadConfig): Promise<void> {
    if (this.#store.list().some((model) => model.id === id))
      throw new Refusal(
        400,
        'resource_already_exists_exception',
        `Trained machine learning model [${id}] already exists`,
      );
    this.#taskOf(config);
    await rm(this.#folder(id), { recursive: true, force: true });
    await mkdir(this.#folder(id), { recursive: true });
    await this.#write(id, 'config.json', config);
  }

  /** @throws Refusal 400, 404 */
  async part(
    id: string,
    number: number,
    { definition, total_definition_length, total_parts }: DefinitionPart,
  ): Promise<void> {
    await this.#config(id);
    if (number >= total_parts)
      throw new Refusal(
        400,
        'action_request_validation_exception',
        `Validation Failed: 1: [part] must be less than total_parts;`,
      );
    const totals = { total_definition_length, total_parts };
    const before = (await this.#read(id, 'totals.json')) as typeof totals | undefined;
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(totals))
      throw new Refusal(
        400,
        'status_exception',
        `part [${number}] says that the definition has ${total_parts} parts and ${total_definition_length} bytes, and others said ${before.total_parts} and ${before.total_definition_length}`,
      );
    const bytes = Buffer.from(definition, 'base64');
    if (bytes.length === 0 || bytes.toString('base64').replace(/=+$/, '') !== definition.replace(/=+$/, ''))
      throw new Refusal(400, 'status_exception', `the definition of part [${number}] is not base64`);
    await this.#write(id, 'totals.json', totals);
    await writeFile(join(this.#folder(id), `part-${number}`), bytes);
    await this.#finish(id);
  }

  /** @throws Refusal 400, 404 */
  async vocabulary(id: string, vocabulary: Vocabulary): Promise<void> {
    const config = await this.#config(id);
    this.#tokenizer(config, vocabulary);
    await this.#write(id, 'vocabulary.json', vocabulary);
    await this.#finish(id);
  }

  /** True where one is on its way. */
  has(id: string): boolean {
    return isName(id) && existsSync(join(this.#folder(id), 'config.json'));
  }

  /** True where there was one on its way. */
  async remove(id: string): Promise<boolean> {
    const there = (await this.#read(id, 'config.json')) !== undefined;
    await rm(this.#folder(id), { recursive: true, force: true });
    return there;
  }

  #folder(id: string): string {
    return join(this.#store.folder, '.uploads', id);
  }

  async #config(id: string): Promise<UploadConfig> {
    const config = await this.#read(id, 'config.json');
    if (config === undefined) throw NO_SUCH(id);
    return config as UploadConfig;
  }

  async #read(id: string, name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(join(this.#folder(id), name), 'utf8'));
    } catch {
      return undefined;
    }
  }

  async #write(id: string, name: string, value: unknown): Promise<void> {
    await writeFile(join(this.#folder(id), name), JSON.stringify(value));
  }

  #taskOf({ inference_config }: UploadConfig): ModelTask {
    const names = Object.keys(inference_config);
    const task = MODEL_TASKS.find((known) => known === names[0]);
    if (names.length !== 1 || task === undefined)
      throw new Refusal(
        400,
        'x_content_parse_exception',
        `[inference_config] must name one task, one of [${MODEL_TASKS.join(', ')}]`,
      );
    return task;
  }

  #tokenizer(config: UploadConfig, vocabulary: Vocabulary) {
    const { tokenization } = config.inference_config[this.#taskOf(config)]!;
    const [[name, options] = ['bert', {}]] = Object.entries((tokenization ?? { bert: {} }) as object);
    if (!TOKENIZERS.some((known) => known === name))
      throw new Refusal(400, 'status_exception', `the tokenization [${name}] is not one of [${TOKENIZERS.join(', ')}]`);
    return uploadedTokenizer(name as TokenizerName, options, vocabulary);
  }

  /** Takes the model in once all of it is there. What is wrong with it then leaves nothing behind. */
  async #finish(id: string): Promise<void> {
    const folder = this.#folder(id);
    const totals = (await this.#read(id, 'totals.json')) as
      | { total_definition_length: number; total_parts: number }
      | undefined;
    const vocabulary = (await this.#read(id, 'vocabulary.json')) as Vocabulary | undefined;
    if (totals === undefined || vocabulary === undefined) return;
    const there = (await readdir(folder)).filter((name) => name.startsWith('part-'));
    if (there.length < totals.total_parts) return;
    try {
      await this.#takeIn(id, await this.#config(id), vocabulary, totals);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #takeIn(
    id: string,
    config: UploadConfig,
    vocabulary: Vocabulary,
    {
      total_definition_length,
      total_parts,
    }: { readonly total_definition_length: number; readonly total_parts: number },
  ): Promise<void> {
    const task = this.#taskOf(config);
    const { tokenizer, mask, maxSequenceLength } = this.#tokenizer(config, vocabulary);
    const given = config.inference_config[task]!;
    const labels = given.classification_labels as string[] | undefined;
    const version = 'uploaded';
    const staging = stagingFolder(this.#store.folder, id, version);
    await rm(staging, { recursive: true, force: true });
    await mkdir(join(staging, 'onnx'), { recursive: true });
    const graph = join(staging, 'onnx/model.onnx');
    const length = await this.#join(id, total_parts, graph);
    if (length !== total_definition_length)
      throw new Refusal(
        400,
        'status_exception',
        `the parts of the definition are ${length} bytes together, and total_definition_length is ${total_definition_length}`,
      );
    const files: Record<string, unknown> = {
      'tokenizer.json': tokenizer,
      'tokenizer_config.json': { model_max_length: maxSequenceLength, mask_token: mask },
      'config.json': {
        model_type: 'uploaded',
        max_position_embeddings: maxSequenceLength,
        vocab_size: vocabulary.vocabulary.length,
        ...(typeof given.embedding_size === 'number' && { hidden_size: given.embedding_size }),
        ...(labels && { id2label: Object.fromEntries(labels.map((label, at) => [at, label])) }),
      },
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(staging, name), JSON.stringify(content));
    const manifest = {
      id,
      graph: 'onnx/model.onnx',
      ...(config.description !== undefined && { description: config.description }),
      ...(config.prefix_strings !== undefined && { prefix_strings: config.prefix_strings }),
      ...(labels && { labels }),
      max_sequence_length: maxSequenceLength,
      window: Math.min(128, maxSequenceLength),
      tasks: tasksOf(staging, task, given),
      task_type: task,
    };
    await writeFile(join(staging, 'sluice.json'), JSON.stringify(manifest));
    const sums: Record<string, { sha256: string; size: number }> = {};
    for (const name of [...Object.keys(files), 'sluice.json', 'onnx/model.onnx'])
      sums[name] = { sha256: await sha256(join(staging, name)), size: (await stat(join(staging, name))).size };
    const defaults = Object.fromEntries(Object.entries(given).filter(([key]) => !OF_MODEL.includes(key)));
    try {
      await install(
        this.#store,
        { id, version },
        {
          folder: staging,
          graph: 'onnx/model.onnx',
          sums,
          source: { kind: 'url', from: 'uploaded' },
          license: undefined,
        },
        {
          task,
          trial: true,
          force: false,
          ...(Object.keys(defaults).length > 0 && { inference_config: { [task]: defaults } as InferenceConfig }),
        },
      );
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** Bytes of all parts, one behind the other. @throws Refusal 400 for what is no graph */
  async #join(id: string, parts: number, path: string): Promise<number> {
    const file = await open(path, 'w');
    let length = 0;
    try {
      for (let number = 0; number < parts; number += 1) {
        const bytes = await readFile(join(this.#folder(id), `part-${number}`));
        if (number === 0 && bytes.subarray(0, 2).toString('latin1') === 'PK')
          throw new Refusal(
            400,
            'status_exception',
            'the definition is a TorchScript archive; this server runs ONNX graphs: export the model to ONNX and upload that, or take it in with `sluice models import`',
          );
        length += bytes.length;
        await file.writeFile(bytes);
      }
    } finally {
      await file.close();
    }
    return length;
  }
}

/** What the outputs of the usual exports are called, and what the configuration says of them. */
const tasksOf = (folder: string, task: ModelTask, given: Readonly<Record<string, unknown>>): object => {
  if (task === 'text_embedding')
    return {
      text_embedding: {
        output: 'last_hidden_state',
        pooling: 'mean',
        normalize: true,
        dims: given.embedding_size ?? 0,
      },
    };
  const tasks = deriveTasks(folder, task, {});
  if (task !== 'text_expansion' || given.expansion_type === 'splade') return tasks;
  return { text_expansion: { output: 'logits', expansion_type: 'elser' } };
};

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};
