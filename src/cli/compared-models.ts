import { readFileSync } from 'node:fs';
import { explainIssues } from '../config/explain.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { type ModelOptions, modelOptions } from '../inference/options.ts';

/** How clusters and nodes are reached that a comparison names. */
export interface Reach {
  readonly nodes?: readonly string[] | undefined;
  readonly apiKeyFile?: string | undefined;
}

const KINDS = ['local', 'es', 'endpoint', 'sluice'] as const;

/**
 * Options of a model that is named as `local:ID`, `local:./FOLDER`, `es:MODEL_ID`, `endpoint:TASK/ID` or
 * `sluice:MODEL_ID`.
 * @throws SluiceError SLUICE_USAGE
 */
export const comparedModel = (reference: string, reach: Reach): ModelOptions => {
  const match = /^([a-z]+):(.+)$/.exec(reference);
  const [, kind = '', name = ''] = match ?? [];
  if (!KINDS.some((known) => known === kind))
    throw new SluiceError('SLUICE_USAGE', `[${reference}] does not say where the model is`, {
      hint: `Write ${KINDS.map((known) => `${known}:${known === 'endpoint' ? 'TASK/ID' : 'ID'}`).join(', ')}, e.g. local:minilm-l6-enrich-en.`,
    });
  const raw = rawOptions(kind, name, reach);
  const parsed = modelOptions.safeParse(raw);
  if (parsed.success) return parsed.data;
  const mistakes = explainIssues(parsed.error, modelOptions, raw).map(
    ({ path, message }) => `${path.join('.')} ${message}`,
  );
  throw new SluiceError('SLUICE_USAGE', `[${reference}] cannot be used: ${mistakes.join('; ')}`);
};

const rawOptions = (kind: string, name: string, { nodes, apiKeyFile }: Reach): object => {
  // Nothing may come from memory where time is measured.
  if (kind === 'local') return { ...(/[\\/]/.test(name) ? { path: name } : { model_id: name }), cache_size: 0 };
  const connection = {
    nodes: nodes ?? [process.env.ELASTICSEARCH_URL ?? 'http://localhost:9200'],
    ...authOf(apiKeyFile),
  };
  if (kind === 'sluice') return { sluice: { ...connection, model_id: name } };
  if (kind === 'es') return { elasticsearch: { ...connection, model_id: name } };
  const [task_type, ...rest] = name.split('/');
  return { elasticsearch: { ...connection, inference_id: rest.join('/'), task_type } };
};

const authOf = (file: string | undefined): object => {
  const key = file === undefined ? process.env.ELASTICSEARCH_API_KEY : read(file).trim();
  return key === undefined || key === '' ? {} : { auth: { api_key: key } };
};

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the key file cannot be read: ${messageOf(error)}`, {
      place: path,
    });
  }
};
