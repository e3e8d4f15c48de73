import type { DefaultPipelines } from './default-pipelines.ts';
import type { IngestPipelines, RunnablePipeline } from './ingest-pipelines.ts';

/** Says which pipeline a document goes through here; what the server does not hold is the cluster's business. */
export class WritePipelines {
  readonly #pipelines: IngestPipelines;
  readonly #defaults: DefaultPipelines;

  constructor(pipelines: IngestPipelines, defaults: DefaultPipelines) {
    this.#pipelines = pipelines;
    this.#defaults = defaults;
  }

  /** True where no document can go through a pipeline here. */
  get none(): boolean {
    return this.#pipelines.size === 0;
  }

  /**
   * @param asked `pipeline` of the request or of the action
   * @throws Refusal where the cluster does not say what an index's default is
   */
  async of(
    index: string | undefined,
    asked: string | undefined,
    headers: Readonly<Record<string, string>>,
  ): Promise<RunnablePipeline | undefined> {
    if (this.none || asked === '_none') return undefined;
    if (asked !== undefined) return this.#pipelines.get(asked);
    if (index === undefined) return undefined;
    const own = await this.#defaults.of(index, headers);
    return own === undefined || own === '_none' ? undefined : this.#pipelines.get(own);
  }
}
