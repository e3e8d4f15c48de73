import { registerHooks } from 'node:module';
import { SABOTAGE } from './table.ts';

// Loaded with --import: patches the engine's sources as they are read, by the name in SLUICE_SABOTAGE.
const name = process.env.SLUICE_SABOTAGE;
const sabotage = name === undefined ? undefined : SABOTAGE[name];
if (name !== undefined && sabotage === undefined)
  throw new Error(`there is no sabotage [${name}]; there are [${Object.keys(SABOTAGE).join(', ')}]`);
if (sabotage !== undefined) {
  const url = new URL(`../../src/${sabotage.file}`, import.meta.url).href;
  registerHooks({
    load: (wanted, context, next) => {
      const loaded = next(wanted, context);
      if (wanted !== url) return loaded;
      const source = Buffer.from(loaded.source as Uint8Array).toString();
      const parts = source.split(sabotage.find);
      if (parts.length !== 2) throw new Error(`[${sabotage.find}] is ${parts.length - 1} times in ${sabotage.file}`);
      return { ...loaded, source: parts.join(sabotage.replace) };
    },
  });
}
