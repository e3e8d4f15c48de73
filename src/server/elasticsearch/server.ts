import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { Deployments } from '../../inference/deployments/deployments.ts';
import { deploymentsClient } from '../../inference/deployments/deployments-client.ts';
import { deploymentOptions } from '../../inference/deployments/options.ts';
import { LangIdentEngine } from '../../inference/lang_ident/engine.ts';
import { LANG_IDENT } from '../../inference/lang_ident/protocol.ts';
import type { LocalParts } from '../../inference/load-local.ts';
import type { ModelStore } from '../../inference/store/store.ts';
import type { ProcessorTable } from '../../pipeline/definition.ts';
import type { HealthParts } from '../health.ts';
import { bulkRoutes } from './bulk-routes.ts';
import { Cluster } from './cluster.ts';
import { DefaultPipelines } from './default-pipelines.ts';
import { documentRoutes } from './document-routes.ts';
import { endpointRoutes } from './endpoint-routes.ts';
import { Endpoints, endpointsSchema } from './endpoints.ts';
import { HttpServer } from './http-server.ts';
import { InFlightBytes } from './in-flight-bytes.ts';
import { infoRoutes } from './info-routes.ts';
import { IngestPipelines, pipelinesSchema } from './ingest-pipelines.ts';
import { pipelineRoutes } from './pipeline-routes.ts';
import type { ServeConfig } from './serve-config.ts';
import { type ServeView, serveMetricsText } from './serve-metrics.ts';
import { StateFile } from './state-file.ts';
import { trainedModelRoutes } from './trained-model-routes.ts';
import { WritePipelines } from './write-pipelines.ts';

export interface ServerParts extends LocalParts {
  readonly config: ServeConfig;
  readonly store: ModelStore;
  readonly table: ProcessorTable;
  readonly version: string;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Everything of `sluice serve` in one: models, pipelines, and the cluster behind them. */
export class ElasticsearchServer {
  readonly #parts: ServerParts;
  readonly #deployments: Deployments;
  readonly #language: LangIdentEngine;
  readonly #http: HttpServer;
  readonly #cluster: Cluster | undefined;
  readonly #kept: StateFile<z.output<typeof deploymentOptions>[]> | undefined;
  readonly #view: ServeView;
  #restoring = true;
  #loaded = false;

  /** @throws SluiceError SLUICE_USAGE, SLUICE_STATE, SLUICE_CONFIG_UNREADABLE */
  constructor(parts: ServerParts) {
    this.#parts = parts;
    const { config, store, table } = parts;
    refuseOpenDoors(config);
    const { state } = config;
    this.#kept =
      state === undefined ? undefined : new StateFile(join(state, 'deployments.json'), z.array(deploymentOptions));
    this.#deployments = new Deployments({ ...parts, changed: () => this.#keep() });
    this.#language = new LangIdentEngine(parts.log);
    this.#cluster = clusterOf(config);
    const endpoints = new Endpoints(
      this.#deployments,
      state === undefined ? undefined : new StateFile(join(state, 'endpoints.json'), endpointsSchema),
    );
    const pipelines = new IngestPipelines({
      table,
      inference: deploymentsClient(
        () => this.#deployments,
        (name) => endpoints.meaning(name),
        new Map([[LANG_IDENT, this.#language]]),
      ),
      state: state === undefined ? undefined : new StateFile(join(state, 'pipelines.json'), pipelinesSchema),
    });
    const cluster = this.#cluster;
    const identity = { name: hostname(), uuid: crypto.randomUUID(), version: parts.version };
    const node = { id: identity.uuid, name: identity.name, transport_address: `${config.host}:${config.port}` };
    const pipelinesUsing = (model: string) => pipelines.using(model);
    const bytes = new InFlightBytes(config.limits.in_flight_bytes);
    const write = cluster && {
      cluster,
      bytes,
      pipelines: new WritePipelines(pipelines, new DefaultPipelines(cluster)),
    };
    this.#http = new HttpServer({
      host: config.host,
      port: config.port,
      tls: config.tls && {
        cert: read(config.tls.certificate),
        key: read(config.tls.key),
        ca: config.tls.client_ca === undefined ? undefined : read(config.tls.client_ca),
      },
      apiKeys: config.api_keys,
      maxContentLength: config.limits.max_content_length,
      cluster,
      log: parts.log,
      routes: [
        ...infoRoutes(identity, cluster !== undefined),
        ...pipelineRoutes({ pipelines, cluster, table, log: parts.log }),
        ...trainedModelRoutes({
          store,
          deployments: this.#deployments,
          language: this.#language,
          node,
          pipelinesUsing,
          cluster,
        }),
        ...endpointRoutes({ endpoints, deployments: this.#deployments, pipelinesUsing, cluster }),
        ...(write === undefined ? [] : [...bulkRoutes(write), ...documentRoutes(write)]),
      ],
    });
    this.#view = {
      requests: this.#http.requests,
      deployments: this.#deployments,
      inFlightBytes: () => bytes.held,
      get steps() {
        return pipelines.steps;
      },
    };
  }

  /** For `--http`: ready once the models of the start can infer, or cannot. */
  get health(): HealthParts {
    return {
      ready: () => ({
        ready: this.#loaded,
        deployments: this.#deployments.list.map(({ deployment_id, state, reason }) => ({
          deployment_id,
          state,
          ...(reason !== undefined && { reason }),
        })),
      }),
      metrics: () => serveMetricsText(this.#view),
    };
  }

  /** Listens, and begins with the models. @throws SluiceError SLUICE_USAGE */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    const address = await this.#http.listen();
    const { config } = this.#parts;
    const wanted = new Map(
      [...config.deployments, ...(this.#kept?.read() ?? [])].map((one) => [one.deployment_id ?? one.model_id, one]),
    );
    for (const parameters of wanted.values())
      await this.#deployments.start(parameters, 'starting').catch((error: unknown) =>
        this.#parts.log.warn('a deployment of the file or of the last run cannot be started', {
          deployment: parameters.deployment_id ?? parameters.model_id,
          error: messageOf(error),
        }),
      );
    this.#restoring = false;
    return address;
  }

  /** Resolves once the models of the start can infer, or cannot. */
  async ready(): Promise<void> {
    await Promise.allSettled(this.#deployments.list.map(({ fullyAllocated }) => fullyAllocated));
    this.#loaded = true;
  }

  get deployments(): Deployments {
    return this.#deployments;
  }

  /** Takes in versions and aliases that were changed beside it. */
  refresh(): Promise<void> {
    return this.#deployments.refresh();
  }

  async close(): Promise<void> {
    // What stops now was not stopped by anybody who meant it to stay stopped.
    this.#restoring = true;
    await this.#http.close(this.#parts.config.limits.shutdown_timeout);
    await this.#deployments.close();
    await this.#language.close();
    this.#cluster?.close();
  }

  #keep(): void {
    if (!this.#restoring) this.#kept?.write(this.#deployments.list.map(({ parameters }) => parameters));
  }
}

/** @throws SluiceError SLUICE_USAGE */
const refuseOpenDoors = ({ host, api_keys, tls, insecure }: ServeConfig): void => {
  if (LOOPBACK.test(host) || api_keys !== undefined || tls?.client_ca !== undefined || insecure) return;
  throw new SluiceError('SLUICE_USAGE', `anybody who reaches [${host}] could write to the cluster and stop models`, {
    hint: 'Name api_keys (`sluice serve --new-api-key NAME` makes one) or tls.client_ca, or say insecure: true.',
  });
};

const clusterOf = ({ cluster, api_keys }: ServeConfig): Cluster | undefined => {
  if (cluster === undefined) return undefined;
  const { auth } = cluster;
  return new Cluster({
    nodes: [cluster.nodes].flat(),
    authorization: auth && authorizationOf(auth),
    // A key of this server means nothing to the cluster, and is none of its business.
    forwardAuthorization: api_keys === undefined,
    tls: { ...(cluster.ca !== undefined && { ca: read(cluster.ca) }), rejectUnauthorized: cluster.verify },
    timeout: cluster.timeout,
    connections: cluster.connections,
  });
};

const authorizationOf = (auth: NonNullable<NonNullable<ServeConfig['cluster']>['auth']>): string => {
  if ('api_key' in auth) return `ApiKey ${auth.api_key}`;
  if ('bearer' in auth) return `Bearer ${auth.bearer}`;
  return `Basic ${Buffer.from(`${auth.basic.username}:${auth.basic.password}`).toString('base64')}`;
};

const read = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the certificate file cannot be read: ${messageOf(error)}`, {
      place: path,
    });
  }
};
