import { readFileSync } from 'node:fs';
import { explainIssues } from '../../config/explain.ts';
import { systemVariables } from '../../config/interpolate.ts';
import { readYaml } from '../../config/yaml-file.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { ModelStore } from '../../inference/store/store.ts';
import { trialRun } from '../../inference/trial.ts';
import { PROCESSORS } from '../../processors/table.ts';
import { newApiKey } from '../../server/elasticsearch/api-keys.ts';
import { type ServeConfig, serveSchema } from '../../server/elasticsearch/serve-config.ts';
import { ElasticsearchServer } from '../../server/elasticsearch/server.ts';
import { healthServer, splitAddress } from '../../server/health.ts';
import { createLog } from '../log.ts';
import { openJournal } from '../open-journal.ts';
import { versionOf } from '../version.ts';

export interface ServeCommandOptions {
  readonly host?: string;
  readonly port?: number;
  readonly cluster?: readonly string[];
  readonly state?: string;
  readonly models?: readonly string[];
  readonly insecure?: boolean;
  readonly newApiKey?: string;
  readonly http?: string;
  readonly json?: boolean;
}

/** `sluice serve`: models and ingest pipelines behind Elasticsearch's own interface. Answers with the exit status. */
export const serve = async (file: string | undefined, options: ServeCommandOptions): Promise<number> => {
  if (options.newApiKey !== undefined) return showNewKey(options.newApiKey, options.json === true);
  const log = createLog(options.json === true, (text) => void process.stderr.write(text));
  const config = configOf(file, options);
  if (options.http !== undefined) splitAddress(options.http);
  const journal = openJournal(log);
  const server = new ElasticsearchServer({
    config,
    store: new ModelStore(),
    table: PROCESSORS,
    version: versionOf(),
    trial: trialRun,
    journal,
    log,
  });
  const stopped = new Promise<number>((resolve) => {
    for (const [signal, status] of [
      ['SIGTERM', 0],
      ['SIGINT', 130],
    ] as const) {
      let asked = false;
      process.on(signal, () => {
        // A second one does not wait.
        if (asked) process.exit(status === 0 ? 143 : status);
        asked = true;
        resolve(status);
      });
    }
  });
  const refresh = () => void server.refresh();
  process.on('SIGHUP', refresh);
  let health: Awaited<ReturnType<typeof healthServer>> | undefined;
  try {
    if (options.http !== undefined) health = await healthServer(server.health, options.http);
    const { host, port } = await server.start();
    const scheme = config.tls === undefined ? 'http' : 'https';
    log.info(`listening on ${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      ...(config.cluster !== undefined && { cluster: [config.cluster.nodes].flat().length }),
      deployments: server.deployments.list.length,
    });
    void server.ready().then(() => {
      const started = server.deployments.list.filter(({ state }) => state === 'started').length;
      if (server.deployments.list.length > 0) log.info('the models are loaded', { started });
    });
    const status = await stopped;
    log.info('stopping: no new requests, those that run are answered');
    return status;
  } finally {
    process.off('SIGHUP', refresh);
    await server.close();
    await health?.close();
    journal?.close();
  }
};

const showNewKey = (name: string, json: boolean): number => {
  const { kept, encoded } = newApiKey(name);
  if (json) console.log(JSON.stringify({ ...kept, encoded }));
  else
    console.log(
      `api_keys:\n  - { id: ${JSON.stringify(kept.id)}, sha256: ${kept.sha256} }\n\nAuthorization: ApiKey ${encoded}\n(shown once; the file keeps its checksum only)`,
    );
  return 0;
};

/** The file, and what the command line says in its place. @throws SluiceError with every mistake */
const configOf = (file: string | undefined, options: ServeCommandOptions): ServeConfig => {
  const raw = file === undefined ? {} : readFile(file);
  const { host, port, cluster, state, models, insecure } = options;
  const merged = {
    ...raw.value,
    ...(host !== undefined && { host }),
    ...(port !== undefined && { port }),
    ...(state !== undefined && { state }),
    ...(insecure === true && { insecure }),
    ...(cluster !== undefined && { cluster: { ...(raw.value?.cluster as object | undefined), nodes: [...cluster] } }),
    ...(models !== undefined && {
      deployments: [
        ...((raw.value?.deployments as object[] | undefined) ?? []),
        ...models.map((model_id) => ({ model_id })),
      ],
    }),
  };
  const parsed = serveSchema.safeParse(merged);
  if (parsed.success) return parsed.data;
  const mistakes = explainIssues(parsed.error, serveSchema, merged).map(({ path, message, key }) => {
    const place = raw.locate?.(path, key);
    return place === undefined ? `${path.join('.')}  ${message}` : `${file}:${place.line}:${place.column}  ${message}`;
  });
  throw new SluiceError('SLUICE_CONFIG_INVALID', `the server cannot be started like this:\n${mistakes.join('\n')}`);
};

interface Read {
  readonly value?: Record<string, unknown>;
  readonly locate?: ReturnType<typeof readYaml>['locate'];
}

const readFile = (file: string): Read => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the file cannot be read: ${messageOf(error)}`, { place: file });
  }
  const yaml = readYaml(file, text, systemVariables, []);
  const [mistake] = yaml.mistakes;
  if (mistake !== undefined)
    throw new SluiceError('SLUICE_CONFIG_INVALID', mistake.message, {
      place: `${file}:${mistake.line}:${mistake.column}`,
    });
  return { value: (yaml.value ?? {}) as Record<string, unknown>, locate: yaml.locate.bind(yaml) };
};
