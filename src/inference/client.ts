import type { IngestDocument } from '../core/document.ts';
import type { InferenceClient, InferenceConfig, InferenceStep } from '../core/inference.ts';
import { nearest } from '../core/nearest.ts';
import { type BoundTask, bindTask } from './bound-task.ts';
import type { Manifest } from './manifest-schema.ts';
import type { InferenceDone } from './onnx/deployment.ts';
import type { Ask, InferenceOutput, InferenceRequest } from './onnx/protocol.ts';
import { type SemanticTextOptions, semanticTextLayout } from './semantic-text.ts';
import type { LongText } from './windows.ts';

/** A local model as the compiler of a pipeline sees it. */
export interface BoundModel {
  readonly manifest: Manifest;
  readonly longText: LongText;
  readonly semanticText: SemanticTextOptions | undefined;
  infer(request: InferenceRequest, done: InferenceDone): void;
}

/** A model behind another engine, which reads the config itself. */
export interface BoundEngine {
  bind(config: InferenceConfig | undefined): InferenceStep;
}

/** Steps of one pipeline that read the same text with the same model: one pass serves them all. */
interface Pass {
  readonly asks: Ask[];
  /** The outputs of documents on their way; the key is the document, so they go when it goes. */
  readonly outputs: WeakMap<IngestDocument, { readonly text: string; readonly output: InferenceOutput }>;
}

/** The models of one stream, by the names its pipeline file gives them. Bind all steps before the first document. */
export class PipelineInference implements InferenceClient {
  readonly #local: ReadonlyMap<string, BoundModel>;
  readonly #engines: ReadonlyMap<string, BoundEngine>;
  readonly #passes = new Map<string, Pass[]>();

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
    const task = bindTask(model.manifest, modelId, config, { longText: model.longText, prefix: 'ingest' });
    return stepOf(model, task, this.#pass(`${modelId} ${input}`, task));
  }

  /** The pass that a step takes part in: one that runs the texts in the same shape, and asks nothing else of its task. */
  #pass(key: string, { shape, options: { task, asked } }: BoundTask): Pass {
    if (shape === undefined) return { asks: [{ task, asked }], outputs: new WeakMap() };
    const place = `${key} ${shape}`;
    const passes = this.#passes.get(place) ?? [];
    this.#passes.set(place, passes);
    const same = JSON.stringify(asked);
    for (const pass of passes) {
      const other = pass.asks.find((ask) => ask.task === task);
      if (other !== undefined && JSON.stringify(other.asked) !== same) continue;
      if (other === undefined) pass.asks.push({ task, asked });
      return pass;
    }
    const pass: Pass = { asks: [{ task, asked }], outputs: new WeakMap() };
    passes.push(pass);
    return pass;
  }
}

const stepOf = (model: BoundModel, task: BoundTask, pass: Pass): InferenceStep => ({
  layout: model.semanticText && semanticTextLayout(model.semanticText, task.options.task, model.manifest),
  infer: (document, text, done) => {
    const known = pass.outputs.get(document);
    if (known !== undefined && known.text === text) return done(undefined, task.fields(text, known.output));
    model.infer(task.request(text, pass.asks), (error, output) => {
      if (error !== undefined || output === undefined) return done(error ?? new Error('the model answered nothing'));
      pass.outputs.set(document, { text, output });
      done(undefined, task.fields(text, output));
    });
  },
});
