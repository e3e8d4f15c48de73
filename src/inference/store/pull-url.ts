import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ask, patiently, textOf } from '../../connections/model_files/ask.ts';
import { checkFileName } from '../../connections/model_files/file-name.ts';
import { shownUrl } from '../../connections/model_files/refusals.ts';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { type Manifest, manifestSchema } from '../manifest-schema.ts';
import { makeCurrent } from './changes.ts';
import { fetchFiles } from './fetch-files.ts';
import { install, nameIt } from './install.ts';
import { withLock } from './lock.ts';
import { idOfRepository, showReference, stagingFolder } from './names.ts';
import { freeId, type Pulled, type PullOptions } from './pull-hub.ts';
import type { ModelStore } from './store.ts';

const MOST_MANIFEST = 1024 ** 2;

/**
 * Fetches a model from any web server: `sluice.json` below the address names the files and their sha-256.
 * The hub's token is not sent.
 * @throws SluiceError
 */
export const pullFromUrl = async (
  store: ModelStore,
  address: string,
  offline: boolean,
  options: PullOptions,
): Promise<Pulled> => {
  const base = baseOf(address);
  const place = shownUrl(base);
  if (offline)
    throw new SluiceError('SLUICE_MODEL_MISSING', `no server is asked, and only ${place} has the model`, {
      hint: 'Pull it without --offline and HF_HUB_OFFLINE, or copy the store from a machine that has it.',
    });
  const url = new URL('sluice.json', base);
  const text = await patiently(shownUrl(url), options.patience, async () =>
    textOf(await ask({ url, token: undefined, patience: options.patience }), shownUrl(url), MOST_MANIFEST),
  );
  const manifest = parse(text, shownUrl(url));
  const id = freeId(store, options.id ?? idOfRepository(manifest.id));
  const reference = { id, version: versionOfSums(manifest.sha256) };
  if (store.versions(id).includes(reference.version) && !options.force) {
    await makeCurrent(store, showReference(reference));
    await nameIt(store, id, options.aliases);
    return { model: store.find(showReference(reference)), already: true };
  }
  const own = { name: 'sluice.json', sha256: createHash('sha256').update(text).digest('hex'), size: undefined };
  const files = Object.entries(manifest.sha256).map(([name, sha256]) => ({
    name,
    sha256,
    size: manifest.size?.[name],
  }));
  const wanted = [own, ...files].map((file) => ({
    ...file,
    url: new URL(checkFileName(file.name, place).split('/').map(encodeURIComponent).join('/'), base),
    git: undefined,
  }));
  return withLock(store.folder, showReference(reference), async () => {
    const folder = stagingFolder(store.folder, id, reference.version);
    const sums = await fetchFiles(wanted, folder, place, { ...options, token: undefined });
    const { license, graph } = manifest;
    const staged = { folder, graph, sums, source: { kind: 'url' as const, from: place }, license };
    return { model: await install(store, reference, staged, options), already: false };
  });
};

/** A version named by its content: the same files are the same version, wherever they come from. */
export const versionOfSums = (sums: Readonly<Record<string, string>>): string =>
  createHash('sha256')
    .update(JSON.stringify(Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest('hex')
    .slice(0, 12);

const baseOf = (address: string): URL => {
  const url = URL.parse(address);
  if (url === null || url.username !== '' || url.password !== '' || url.search !== '')
    throw new SluiceError('SLUICE_USAGE', 'the address of a model is one without credentials and without a query', {
      hint: 'Write it like https://host/models/name/, with sluice.json below it.',
    });
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
};

const parse = (text: string, place: string): Manifest => {
  const invalid = (why: string) =>
    new SluiceError('SLUICE_MODEL_INVALID', `not a sluice.json that a model can be fetched by: ${why}`, { place });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(messageOf(error));
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error));
  const { sha256, graph } = parsed.data;
  const missing = ['config.json', 'tokenizer.json', graph].filter((file) => sha256[file] === undefined);
  if (missing.length > 0) throw invalid(`it has no sha256 of [${missing.join(', ')}]`);
  return parsed.data;
};
