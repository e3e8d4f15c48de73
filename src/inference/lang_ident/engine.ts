import { hash } from 'node:crypto';
import { z } from 'zod';
import type { InferenceConfig, InferenceStep } from '../../core/inference.ts';
import type { CacheStats } from '../cache.ts';
import { Deployment } from '../deployment.ts';
import type { TextTask } from '../deployments/infer-texts.ts';
import { inferFor } from '../infer-for.ts';
import type { ModelLog } from '../load-local.ts';
import { LocalModel } from '../local-model.ts';
import type { Engine } from '../model-set.ts';
import { scriptBeside } from '../script.ts';
import { LANG_IDENT, type LangIdentOutput, type LangIdentRequest } from './protocol.ts';

/** `inference_config: { classification: … }`, as Elasticsearch's built-in model takes it. */
const options = z.strictObject({
  num_top_classes: z.number().int().min(-1).default(0),
  results_field: z.string().min(1).default('predicted_value'),
  top_classes_results_field: z.string().min(1).default('top_classes'),
  prediction_field_type: z.enum(['string']).default('string'),
});

const CACHE_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/**
 * The language of a text, under the id and in the fields of Elasticsearch's built-in model, which is a port of CLD3: the
 * network itself runs here, from cld3-asm. It tells the best class only.
 * https://www.elastic.co/docs/explore-analyze/machine-learning/nlp/ml-nlp-lang-ident
 */
export class LangIdentEngine implements Engine {
  readonly native = false;
  readonly #log: ModelLog;
  #model: LocalModel<LangIdentRequest, LangIdentOutput> | undefined;
  #starting: Promise<void> | undefined;

  constructor(log: ModelLog) {
    this.#log = log;
  }

  bind(config: InferenceConfig | undefined): InferenceStep {
    const task = this.task(config);
    const ask: InferenceStep['infer'] = (document, text, done) =>
      inferFor(document, this.#model!, task.request(text), (error, output) =>
        output === undefined
          ? done(error ?? new Error('the model answered nothing'))
          : done(undefined, task.fields(text, output)),
      );
    return {
      infer: (document, text, done) => {
        if (this.#model !== undefined) return ask(document, text, done);
        this.start().then(() => ask(document, text, done), done);
      },
    };
  }

  /** @throws Error with what is wrong with the config */
  task(config: InferenceConfig | undefined): TextTask<LangIdentRequest, LangIdentOutput> {
    const names = Object.keys(config ?? {});
    if (names.some((name) => name !== 'classification'))
      throw new Error(`the model [${LANG_IDENT}] does [classification], not [${names.join(', ')}]`);
    const parsed = options.safeParse(config?.classification ?? {});
    if (!parsed.success)
      throw new Error(
        `inference_config.classification: ${parsed.error.issues.map(({ message }) => message).join('; ')}`,
      );
    const { num_top_classes, results_field, top_classes_results_field } = parsed.data;
    return {
      request: (text) => ({ text }),
      fields: (_text, { language, probability }) => ({
        [results_field]: language,
        ...(num_top_classes !== 0 && {
          [top_classes_results_field]: [
            { class_name: language, class_probability: probability, class_score: probability },
          ],
        }),
        prediction_probability: probability,
        prediction_score: probability,
      }),
    };
  }

  /** The model, once it is loaded. */
  async model(): Promise<LocalModel<LangIdentRequest, LangIdentOutput>> {
    await this.start();
    return this.#model!;
  }

  /** Begun once, at the start of a stream or with the first text of a server. */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const deployment = new Deployment<LangIdentRequest, LangIdentOutput>({
      threads: {
        id: LANG_IDENT,
        folder: LANG_IDENT,
        script: scriptBeside(import.meta.url, 'worker'),
        settings: {},
        prefetch: 16,
      },
      number_of_allocations: 1,
      queue_capacity: 1024,
      timeout_ms: TIMEOUT_MS,
      log: this.#log,
    });
    await deployment.start();
    this.#model = new LocalModel({
      deployment,
      cache_size: CACHE_BYTES,
      keyOf: ({ text }) => hash('sha256', text, 'base64'),
      sizeOf: () => 100,
    });
  }

  get stats() {
    return this.#model?.deployment.stats;
  }

  get cache(): CacheStats | undefined {
    return this.#model?.cache;
  }

  async close(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#model?.deployment.close();
  }
}
