import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { writeDurably } from './durable-file.ts';
import { withLock } from './lock.ts';

const aliasSchema = z.record(z.string(), z.string());
export type Aliases = Readonly<Record<string, string>>;

const pathOf = (store: string): string => join(store, '.aliases.json');

/** Other names of models: each means `id` or `id@version`. @throws SluiceError SLUICE_MODEL_STORE */
export const readAliases = (store: string): Aliases => {
  let text: string;
  try {
    text = readFileSync(pathOf(store), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return {};
    throw damaged(store, error);
  }
  try {
    return aliasSchema.parse(JSON.parse(text));
  } catch (error) {
    throw damaged(store, error);
  }
};

const damaged = (store: string, error: unknown) =>
  new SluiceError('SLUICE_MODEL_STORE', `the aliases cannot be read: ${messageOf(error)}`, {
    place: pathOf(store),
    hint: 'Mend the file or remove it; the models are not touched by that.',
    cause: error,
  });

/** Changes them as a whole; changes of other processes are not lost. */
export const changeAliases = (store: string, change: (aliases: Record<string, string>) => void): Promise<void> =>
  withLock(store, '.aliases', async () => {
    const aliases = { ...readAliases(store) };
    change(aliases);
    const sorted = Object.fromEntries(Object.entries(aliases).sort(([a], [b]) => (a < b ? -1 : 1)));
    await writeDurably(pathOf(store), `${JSON.stringify(sorted, null, 2)}\n`);
  });
