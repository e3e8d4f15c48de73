import type { Cluster } from './cluster.ts';

/** How long an index's settings are believed. */
const BELIEVED_MS = 5000;
const MOST_KNOWN = 1000;

/** Asks the cluster for `index.default_pipeline` of indices, aliases, data streams and what a template would make. */
export class DefaultPipelines {
  readonly #cluster: Cluster;
  readonly #known = new Map<string, { readonly until: number; readonly pipeline: Promise<string | undefined> }>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Undefined where there is none, or the caller may not know. @throws Refusal where the cluster does not answer */
  of(index: string, headers: Readonly<Record<string, string>>): Promise<string | undefined> {
    const now = performance.now();
    const known = this.#known.get(index);
    if (known !== undefined && known.until > now) return known.pipeline;
    const pipeline = this.#ask(index, headers);
    pipeline.catch(() => this.#known.delete(index));
    if (this.#known.size >= MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(index, { until: now + BELIEVED_MS, pipeline });
    return pipeline;
  }

  async #ask(index: string, headers: Readonly<Record<string, string>>): Promise<string | undefined> {
    const name = encodeURIComponent(index);
    const settings = await this.#cluster.ask('GET', `/${name}/_settings/index.default_pipeline?flat_settings=true`, {
      headers,
    });
    if (settings.status === 200) {
      const all = parsed(settings.body) as Record<string, { readonly settings?: Record<string, string> }>;
      // Behind an alias may be several; the one that is written to has the last word there, and here they agree or none is.
      const found = new Set(Object.values(all).map((one) => one.settings?.['index.default_pipeline']));
      return found.size === 1 ? [...found][0] : undefined;
    }
    if (settings.status !== 404) return undefined;
    const made = await this.#cluster.ask('POST', `/_index_template/_simulate_index/${name}`, { headers });
    if (made.status !== 200) return undefined;
    const { template } = parsed(made.body) as {
      readonly template?: { readonly settings?: { readonly index?: { readonly default_pipeline?: string } } };
    };
    return template?.settings?.index?.default_pipeline;
  }
}

const parsed = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return {};
  }
};
