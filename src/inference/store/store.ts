import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { readModel } from '../manifest.ts';
import type { Manifest } from '../manifest-schema.ts';
import { readAliases } from './aliases.ts';
import { bundledFolder, type Reference, readReference, showReference, storeFolder } from './names.ts';

/** One version of a model, looked at but not checked. */
export interface StoredModel {
  readonly id: string;
  /** Undefined for a bundled one, which has the version of sluice. */
  readonly version: string | undefined;
  readonly folder: string;
  readonly bundled: boolean;
  /** True for the version that its id alone means. */
  readonly current: boolean;
  readonly aliases: readonly string[];
  /** Undefined where it cannot be read, and `problem` says why. */
  readonly manifest: Manifest | undefined;
  readonly problem: string | undefined;
}

/** The models of this machine: a folder with a folder for each id and version, and those that come with sluice. */
export class ModelStore {
  readonly folder: string;
  readonly #bundled: string;

  constructor(folder: string = storeFolder(), bundled: string = bundledFolder()) {
    this.folder = folder;
    this.#bundled = bundled;
  }

  /** All versions, by id, the current one first. */
  list(): StoredModel[] {
    const bundled = foldersIn(this.#bundled)
      .filter((id) => existsSync(join(this.#bundled, id, 'sluice.json')))
      .map((id) => this.#look({ id, version: undefined }));
    const stored = foldersIn(this.folder).flatMap((id) =>
      this.versions(id).map((version) => this.#look({ id, version })),
    );
    return [...bundled, ...stored].sort(
      (a, b) =>
        compare(a.id, b.id) || Number(b.current) - Number(a.current) || compare(a.version ?? '', b.version ?? ''),
    );
  }

  /** @throws SluiceError SLUICE_MODEL_MISSING, SLUICE_USAGE, SLUICE_MODEL_STORE */
  find(name: string): StoredModel {
    const reference = this.resolve(name);
    const version = reference.version ?? this.current(reference.id);
    if (this.isBundled(reference.id) && reference.version === undefined)
      return this.#look({ id: reference.id, version: undefined });
    if (version !== undefined && this.versions(reference.id).includes(version))
      return this.#look({ id: reference.id, version });
    throw this.#missing(name, reference);
  }

  /** What a name or an alias means. */
  resolve(name: string): Reference {
    return readReference(readAliases(this.folder)[name] ?? name);
  }

  isBundled(id: string): boolean {
    return existsSync(join(this.#bundled, id, 'sluice.json'));
  }

  versions(id: string): string[] {
    return foldersIn(join(this.folder, id)).filter((version) =>
      existsSync(join(this.folder, id, version, 'sluice.json')),
    );
  }

  /** The version that the id alone means. */
  current(id: string): string | undefined {
    try {
      return readFileSync(join(this.folder, id, 'current'), 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  folderOf({ id, version }: Reference): string {
    return version === undefined ? join(this.#bundled, id) : join(this.folder, id, version);
  }

  #look(reference: Reference): StoredModel {
    const { id, version } = reference;
    const folder = this.folderOf(reference);
    const current = version === undefined || this.current(id) === version;
    const meaning = [showReference(reference), ...(current ? [id] : [])];
    const aliases = Object.entries(readAliases(this.folder)).flatMap(([alias, target]) =>
      meaning.includes(target) ? [alias] : [],
    );
    const base = { id, version, folder, bundled: version === undefined, current, aliases };
    try {
      return { ...base, manifest: readModel(folder).manifest, problem: undefined };
    } catch (error) {
      return { ...base, manifest: undefined, problem: messageOf(error) };
    }
  }

  #missing(name: string, { id, version }: Reference): SluiceError {
    const versions = this.versions(id);
    const known = [...new Set([...this.list().map((model) => model.id), ...Object.keys(readAliases(this.folder))])];
    const hint =
      versions.length > 0
        ? `Its versions are [${versions.join(', ')}].`
        : '`sluice models list` shows those that are there, `sluice models pull` fetches one from the hub.';
    return new SluiceError(
      'SLUICE_MODEL_MISSING',
      versions.length > 0 && version === undefined
        ? `the model [${id}] has no current version: \`sluice models use\` says which it is`
        : `the model [${name}] is not in the store${versions.length > 0 ? '' : nearest(id, known)}`,
      { place: this.folder, hint },
    );
  }
}

/** @throws SluiceError SLUICE_MODEL_INVALID where a model's manifest cannot be read */
export const usable = (model: StoredModel): StoredModel & { readonly manifest: Manifest } => {
  const { manifest } = model;
  if (manifest !== undefined) return { ...model, manifest };
  throw new SluiceError('SLUICE_MODEL_INVALID', model.problem ?? 'the model cannot be read', { place: model.folder });
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What begins with a dot is the store's own. */
const foldersIn = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
  } catch {
    return [];
  }
};
