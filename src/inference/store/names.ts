import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import { packageRoot } from '../package-root.ts';

/** As Elasticsearch's model ids; a name never begins with a dot, so the store's own files may. */
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/;

export const storeFolder = (): string =>
  resolve(
    process.env.SLUICE_MODELS ||
      join(process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'sluice', 'models'),
  );

export const bundledFolder = (): string => join(packageRoot, 'models');

/** The id of a hub's repository in the store: `Org/Name` is `org__name`, as Elastic's own tool for the upload has it. */
export const idOfRepository = (repository: string): string => repository.replaceAll('/', '__').toLowerCase();

export interface Reference {
  readonly id: string;
  /** Undefined for the current one. */
  readonly version: string | undefined;
}

export const isName = (name: string): boolean => NAME.test(name) && name !== 'current';

/** @throws SluiceError SLUICE_USAGE */
export const checkName = (name: string, what: string): string => {
  if (isName(name)) return name;
  throw new SluiceError('SLUICE_USAGE', `[${name}] cannot be ${what}`, {
    hint: 'Lower case letters, digits and . _ - between them, at most 128 characters.',
  });
};

/** Reads `id` or `id@version`. @throws SluiceError SLUICE_USAGE */
export const readReference = (text: string): Reference => {
  const [id = '', version, ...more] = text.split('@');
  if (more.length > 0) checkName(text, 'the name of a model');
  return {
    id: checkName(id, 'the id of a model'),
    version: version === undefined ? undefined : checkName(version, 'the version of a model'),
  };
};

export const showReference = ({ id, version }: Reference): string => (version === undefined ? id : `${id}@${version}`);

/** Where a version is put together; on the file system of the store, so that a rename takes it in. */
export const stagingFolder = (store: string, id: string, version: string): string =>
  join(store, '.partial', id, version);
