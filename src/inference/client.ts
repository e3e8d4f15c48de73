import type { IngestDocument } from '../core/document.ts';
import type { InferenceClient, InferenceConfig, InferenceStep } from '../core/inference.ts';
import { nearest } from '../core/nearest.ts';
import { type LocalInferenceOptions, readInferenceConfig, withDefaults } from './inference-config.ts';
import type { LocalTask, Manifest } from './manifest.ts';
import type { InferenceDone } from './onnx/deployment.ts';
import type { InferenceOutput, InferenceRequest } from './onnx/protocol.ts';
import { resultFields } from './results.ts';
import type { LongText } from './windows.ts';

/** A local model as the compiler of a pipeline sees it. */
export interface BoundModel {
  readonly manifest: Manifest;
  readonly longText: LongText;
  infer(request: InferenceRequest, done: InferenceDone): void;
}

/** A model behind another engine, which reads the config itself. */
export interface BoundEngine {
  bind(config: InferenceConfig | undefined): InferenceStep;
}

/** Steps of one pipeline that read the same text with the same model: one pass serves them all. */
interface Pass {
  readonly tasks: Set<LocalTask>;
  /** The outputs of documents on their way; the key is the document, so they go when it goes. */
  readonly outputs: WeakMap<IngestDocument, { readonly text: string; readonly output: InferenceOutput }>;
}

/** The models of one stream, by the names its pipeline file gives them. Bind all steps before the first document. */
export class PipelineInference implements InferenceClient {
  readonly #local: ReadonlyMap<string, BoundModel>;
  readonly #engines: ReadonlyMap<string, BoundEngine>;
  readonly #passes = new Map<string, Pass>();

  constructor(local: ReadonlyMap<string, BoundModel>, engines: ReadonlyMap<string, BoundEngine>) {
    this.#local = local;
    this.#engines = engines;
  }

  bind(modelId: string, config: InferenceConfig | undefined, input: string): InferenceStep {
    const engine = this.#engines.get(modelId);
    if (engine !== undefined) return engine.bind(config);
    const model = this.#local.get(modelId);
    if (model === undefined) {
      const known = [...this.#local.keys(), ...this.#engines.keys()];
      throw new Error(
        `no model [${modelId}] under [models]${nearest(modelId, known)}${known.length === 0 ? '; there are none' : `; there are [${known.join(', ')}]`}`,
      );
    }
    const { tasks, inference_config } = model.manifest;
    const asked = withDefaults(config, inference_config as InferenceConfig | undefined);
    const options = readInferenceConfig(asked, modelId, Object.keys(tasks) as LocalTask[]);
    return this.#step(model, options, this.#pass(`${modelId} ${options.truncate} ${input}`, options.task));
  }

  #pass(key: string, task: LocalTask): Pass {
    const pass = this.#passes.get(key) ?? { tasks: new Set(), outputs: new WeakMap() };
    pass.tasks.add(task);
    this.#passes.set(key, pass);
    return pass;
  }

  #step(model: BoundModel, options: LocalInferenceOptions, pass: Pass): InferenceStep {
    const { longText } = model;
    return {
      infer: (document, text, done) => {
        const known = pass.outputs.get(document);
        if (known !== undefined && known.text === text)
          return done(undefined, resultFields(text, known.output, options, longText));
        model.infer({ text, tasks: [...pass.tasks], truncate: options.truncate, longText }, (error, output) => {
          if (error !== undefined || output === undefined)
            return done(error ?? new Error('the model answered nothing'));
          pass.outputs.set(document, { text, output });
          done(undefined, resultFields(text, output, options, longText));
        });
      },
    };
  }
}
