import { ask, patiently, textOf } from '../../connections/model_files/ask.ts';
import { checkRepository, type Hub, type HubModel } from '../../connections/model_files/hub.ts';
import { SluiceError } from '../../core/errors.ts';
import { makeCurrent } from './changes.ts';
import { type FetchSettings, fetchFiles } from './fetch-files.ts';
import { install, nameIt, type TakeIn } from './install.ts';
import { withLock } from './lock.ts';
import { checkName, idOfRepository, showReference, stagingFolder } from './names.ts';
import type { ModelStore, StoredModel } from './store.ts';
import { chooseWeights, filesFor, type Quantized, type Weights } from './weights.ts';

export interface PullOptions extends TakeIn, FetchSettings {
  readonly quantized: Quantized;
  /** A graph by its path, in place of a choice by kind. */
  readonly file?: string | undefined;
}

export interface Pulled {
  readonly model: StoredModel;
  /** True where nothing had to be fetched. */
  readonly already: boolean;
}

/** Fetches a model from the hub: `OWNER/NAME` or `OWNER/NAME@REVISION`. @throws SluiceError */
export const pullFromHub = async (store: ModelStore, hub: Hub, name: string, options: PullOptions): Promise<Pulled> => {
  const at = name.indexOf('@');
  const repository = at < 0 ? name : name.slice(0, at);
  const requested = at < 0 ? 'main' : name.slice(at + 1);
  checkRepository(repository, requested);
  const id = freeId(store, options.id ?? idOfRepository(repository));
  if (hub.settings.offline) return { model: await offline(store, id, repository, requested, options), already: true };
  const model = await hub.model(repository, requested);
  const place = `${hub.settings.endpoint}/${repository}`;
  const names = model.files.map((file) => file.name);
  const weights = await choose(hub, model, names, options, place);
  const wanted = filesFor(names, weights.graph, place).map((file) => model.files.find((one) => one.name === file)!);
  const version = checkName(`${model.revision.slice(0, 12)}-${weights.dtype}`, 'a version');
  const reference = { id, version };
  if (store.versions(id).includes(version) && !options.force) {
    await makeCurrent(store, showReference(reference));
    await nameIt(store, id, options.aliases);
    return { model: store.find(showReference(reference)), already: true };
  }
  return withLock(store.folder, showReference(reference), async () => {
    const folder = stagingFolder(store.folder, id, version);
    const sums = await fetchFiles(wanted, folder, place, options);
    const { license, pipeline_tag, revision } = model;
    const source = { kind: 'hugging_face' as const, from: repository, requested, revision, dtype: weights.dtype };
    const staged = { folder, graph: weights.graph, sums, source, license, pipeline_tag };
    return { model: await install(store, reference, staged, options), already: false };
  });
};

/** @throws SluiceError where the name is that of a bundled model */
export const freeId = (store: ModelStore, id: string): string => {
  checkName(id, 'the id of a model');
  if (!store.isBundled(id)) return id;
  throw new SluiceError('SLUICE_USAGE', `[${id}] is the id of a model that comes with sluice`, {
    hint: '--id gives it another one.',
  });
};

const MOST_MANIFEST = 1024 ** 2;

/** A repository that was made for sluice says itself which graph is meant. */
const choose = async (
  hub: Hub,
  { files }: HubModel,
  names: readonly string[],
  { quantized, file }: PullOptions,
  place: string,
): Promise<Weights> => {
  const own = files.find((one) => one.name === 'sluice.json');
  if (own === undefined || quantized !== 'auto' || file !== undefined)
    return chooseWeights(names, { quantized, file }, place);
  const text = await patiently(place, hub.patience, async () =>
    textOf(await ask({ url: own.url, token: hub.settings.token, patience: hub.patience }), place, MOST_MANIFEST),
  );
  return chooseWeights(names, { quantized, file: graphOf(text, place) }, place);
};

const graphOf = (text: string, place: string): string => {
  try {
    const { graph } = JSON.parse(text) as { graph?: unknown };
    return typeof graph === 'string' ? graph : 'onnx/model.onnx';
  } catch {
    throw new SluiceError('SLUICE_MODEL_INVALID', 'its sluice.json is not JSON', { place });
  }
};

/** Without a network only what is there can be meant. */
const offline = async (
  store: ModelStore,
  id: string,
  repository: string,
  requested: string,
  { quantized, aliases }: PullOptions,
): Promise<StoredModel> => {
  const there = store.list().filter((model) => model.id === id && model.manifest?.source?.from === repository);
  const found = there.find(({ manifest }) => {
    const { source } = manifest!;
    const revision = source?.requested === requested || source?.revision?.startsWith(requested);
    return revision && (quantized === 'auto' || source?.dtype === (quantized === 'no' ? 'fp32' : quantized));
  });
  if (found !== undefined) {
    await makeCurrent(store, showReference(found));
    await nameIt(store, id, aliases);
    return store.find(showReference(found));
  }
  const weights = quantized === 'auto' ? '' : ` with weights [${quantized}]`;
  throw new SluiceError(
    'SLUICE_MODEL_MISSING',
    `the hub is not asked, and ${repository}@${requested}${weights} is not in the store`,
    {
      place: store.folder,
      hint: `${there.length === 0 ? 'No version of it is there' : `There are [${there.map(({ version }) => version).join(', ')}]`}. Pull it without --offline and HF_HUB_OFFLINE, or copy the store from a machine that has it.`,
    },
  );
};
