import { hash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceConfig, InferenceStep } from '../../core/inference.ts';
import type { CacheStats } from '../cache.ts';
import type { CrashJournal } from '../crash-journal.ts';
import { Deployment } from '../deployment.ts';
import type { DiskCaches, DiskResults } from '../disk/results.ts';
import { withDefaults } from '../inference-config.ts';
import type { ModelLog, TrialRun } from '../load-local.ts';
import { LocalModel } from '../local-model.ts';
import { checkModelFolder, sha256OfFile } from '../manifest.ts';
import type { Engine } from '../model-set.ts';
import type { LocalModelOptions } from '../options.ts';
import { scriptBeside } from '../script.ts';
import { readTransformersConfig } from './config.ts';
import type { TransformersOutput, TransformersRequest, TransformersSettings, TransformersTask } from './protocol.ts';

export interface TransformersEngineParts {
  readonly id: string;
  readonly folder: string;
  readonly task: TransformersTask;
  readonly options: LocalModelOptions;
  readonly allocations: number;
  /** Defaults of `inference_config`, where the model has some. */
  readonly defaults?: InferenceConfig | undefined;
  readonly log: ModelLog;
}

/**
 * Tasks that sluice does not run itself, through @huggingface/transformers. The library is loaded in the worker threads
 * only, and only where a pipeline file asks for it.
 */
export class TransformersEngine implements Engine {
  readonly native = true;
  readonly #parts: TransformersEngineParts;
  readonly #settings: TransformersSettings;
  #sha256 = '';
  #model: LocalModel<TransformersRequest, TransformersOutput> | undefined;

  constructor(parts: TransformersEngineParts) {
    this.#parts = parts;
    const { folder, task, options } = parts;
    checkModelFolder(folder);
    this.#settings = { folder, task, dtype: options.dtype };
  }

  bind(config: InferenceConfig | undefined): InferenceStep {
    const options = readTransformersConfig(withDefaults(config, this.#parts.defaults), this.#parts.task);
    return {
      infer: (_document, text, done) =>
        this.#model!.infer({ text, options }, (error, output) =>
          error === undefined && output !== undefined
            ? done(undefined, structuredClone(output.fields))
            : done(error ?? new Error('the model answered nothing')),
        ),
    };
  }

  async start(trial: TrialRun | undefined, journal: CrashJournal | undefined, disks?: DiskCaches): Promise<void> {
    const { id, folder, task, options, allocations, log } = this.#parts;
    this.#sha256 = hash('sha256', `${task} ${options.dtype} ${(await this.#checksums()).join(' ')}`, 'hex');
    await trial?.(
      {
        id,
        folder,
        script: scriptBeside(import.meta.url, 'trial-child'),
        argument: this.#settings,
        sha256: this.#sha256,
      },
      log,
    );
    const deployment = new Deployment<TransformersRequest, TransformersOutput>({
      threads: { id, folder, script: scriptBeside(import.meta.url, 'worker'), settings: this.#settings, prefetch: 2 },
      number_of_allocations: allocations,
      queue_capacity: options.queue_capacity,
      timeout_ms: options.timeout,
      log,
      crashes: journal && { journal, identity: this.#sha256 },
    });
    await deployment.start();
    this.#model = new LocalModel({
      deployment,
      cache_size: options.cache_size,
      disk: await disks?.results(options.disk_cache, `transformers_js ${this.#sha256}`),
      keyOf: ({ text, options: asked }) => `${JSON.stringify(asked)} ${hash('sha256', text, 'base64')}`,
      sizeOf: ({ fields }) => 200 + 2 * JSON.stringify(fields).length,
    });
  }

  get stats() {
    return this.#model?.deployment.stats;
  }

  get cache(): CacheStats | undefined {
    return this.#model?.cache;
  }

  get disk(): DiskResults<TransformersOutput> | undefined {
    return this.#model?.disk;
  }

  async close(): Promise<void> {
    await this.#model?.deployment.close();
  }

  #checksums(): Promise<string[]> {
    const { folder } = this.#parts;
    const graphs = existsSync(join(folder, 'onnx')) ? readdirSync(join(folder, 'onnx')).sort() : [];
    return Promise.all(
      ['config.json', 'tokenizer.json', ...graphs.map((name) => join('onnx', name))].map((file) =>
        sha256OfFile(join(folder, file)),
      ),
    );
  }
}
