import { Refusal } from '../../core/refusal.ts';
import type { ProcessorTable } from '../../pipeline/definition.ts';
import type { Cluster } from './cluster.ts';
import { foreignType, partsOf } from './foreign-parts.ts';
import type { IngestPipelines } from './ingest-pipelines.ts';
import { relay } from './relay.ts';
import type { RouteReply, RouteRequest } from './route.ts';

export interface ClusterPipelinesParts {
  readonly cluster: Cluster;
  readonly pipelines: IngestPipelines;
  readonly table: ProcessorTable;
  readonly log: { info(message: string, fields?: object): void; warn(message: string, fields?: object): void };
}

/**
 * Pipelines that cannot run here because a part of them is the cluster's: they are put there, whole, and run there. One
 * that calls another runs where that one runs, or its documents would fail.
 */
export class ClusterPipelines {
  readonly #parts: ClusterPipelinesParts;

  constructor(parts: ClusterPipelinesParts) {
    this.#parts = parts;
  }

  /** Why a pipeline has to run in the cluster; undefined where it can run here. */
  async reason(raw: unknown, request: RouteRequest): Promise<string | undefined> {
    const { table, pipelines } = this.#parts;
    const parts = partsOf(raw);
    const type = foreignType(parts, table);
    if (type !== undefined) return `processor [${type}]`;
    for (const name of parts.pipelines)
      if (pipelines.get(name) === undefined && (await this.#has(name, request))) return `pipeline [${name}]`;
    return undefined;
  }

  /** Puts a pipeline into the cluster, which says whether it takes it; then nothing of that name is here any more. */
  async put(id: string, reason: string, request: RouteRequest): Promise<RouteReply> {
    const { cluster, pipelines, log } = this.#parts;
    const reply = await relay(cluster, request);
    if (reply.status !== 200) return reply;
    if (pipelines.get(id) !== undefined) pipelines.delete([id]);
    log.info('the pipeline runs in the cluster', { pipeline: id, because_of: reason });
    await this.#moveCallers(id, request);
    return reply;
  }

  async #has(name: string, request: RouteRequest): Promise<boolean> {
    const { status } = await this.#ask('GET', name, undefined, request);
    if (status === 200 || status === 404) return status === 200;
    throw new Refusal(
      502,
      'exception',
      `the cluster does not say whether it has the pipeline [${name}]: it answered ${status}`,
    );
  }

  /** Those here that call a pipeline which is in the cluster now, and those that call them. */
  async #moveCallers(id: string, request: RouteRequest): Promise<void> {
    const { pipelines, log } = this.#parts;
    const moved = [id];
    for (let at = 0; at < moved.length; at += 1)
      for (const [name, body] of pipelines.all) {
        if (!partsOf(body).pipelines.has(moved[at]!)) continue;
        const { status } = await this.#ask('PUT', name, Buffer.from(JSON.stringify(body)), request);
        if (status === 200) {
          pipelines.delete([name]);
          moved.push(name);
          log.info('the pipeline runs in the cluster', { pipeline: name, because_of: `pipeline [${moved[at]}]` });
        } else
          log.warn('the pipeline calls one that is in the cluster, which does not take it: its documents will fail', {
            pipeline: name,
            calls: moved[at],
            status,
          });
      }
  }

  async #ask(method: 'GET' | 'PUT', name: string, body: Buffer | undefined, { headers, signal }: RouteRequest) {
    const { cluster } = this.#parts;
    return cluster.ask(method, `/_ingest/pipeline/${encodeURIComponent(name)}`, {
      ...(body && { body }),
      headers: {
        ...cluster.credentialsOf(headers),
        ...(body && { 'content-type': 'application/json' }),
        accept: 'application/json',
      },
      signal,
    });
  }
}
