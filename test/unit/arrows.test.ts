import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src', import.meta.url));

/** Rooms and what they may import; `types` means: types only. */
const ARROWS: Record<string, { readonly values: readonly string[]; readonly types?: readonly string[] }> = {
  core: { values: [] },
  config: { values: ['core'] },
  painless: { values: ['core'] },
  connections: { values: ['core', 'config'] },
  pipeline: { values: ['core', 'config', 'painless'] },
  inference: { values: ['core', 'config', 'connections'] },
  processors: { values: ['core', 'config', 'painless', 'pipeline'], types: ['inference'] },
  codecs: { values: ['core', 'config', 'connections'] },
  sources: { values: ['core', 'config', 'codecs', 'connections'] },
  sinks: { values: ['core', 'config', 'codecs', 'connections'] },
  runtime: { values: ['core', 'config'], types: ['pipeline'] },
  server: {
    values: [
      'core',
      'config',
      'painless',
      'connections',
      'pipeline',
      'inference',
      'processors',
      'codecs',
      'sources',
      'sinks',
      'runtime',
    ],
  },
  cli: {
    values: [
      'core',
      'config',
      'painless',
      'connections',
      'pipeline',
      'inference',
      'processors',
      'codecs',
      'sources',
      'sinks',
      'runtime',
      'server',
    ],
  },
};
const BANNED = /(^|[-/])(utils?|helpers?|manager|common|misc)\.ts$/;
const files = globSync('**/*.ts', { cwd: src });
const room = (path: string) => path.split('/')[0]!;

test('imports between rooms go downwards only', () => {
  const wrong: string[] = [];
  for (const file of files) {
    if (file.endsWith('.test.ts')) continue;
    const text = readFileSync(join(src, file), 'utf8');
    for (const [, types, path] of text.matchAll(/^(?:import|export)( type)? [^'"]*?from '(\.[^']+)';$/gms)) {
      const target = relative(src, join(src, dirname(file), path!));
      const from = room(file);
      const to = room(target);
      if (from === to) continue;
      const allowed = ARROWS[from];
      assert.ok(allowed, `${file} stands in no room`);
      if (!allowed.values.includes(to) && !(types !== undefined && allowed.types?.includes(to)))
        wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('only what a person asks to fetch a model speaks to a hub', () => {
  const hub = 'connections/model_files/';
  const asking = files.filter((file) => {
    if (file.startsWith(hub) || file.endsWith('.test.ts')) return false;
    const imports = readFileSync(join(src, file), 'utf8').matchAll(/^import (?!type )[^'"]*?from '(\.[^']+)';$/gms);
    return [...imports].some(([, path]) => relative(src, join(src, dirname(file), path!)).startsWith(hub));
  });
  // A stream never downloads: what it runs is there, or it does not start.
  for (const file of asking)
    assert.match(file, /^(inference\/store\/(pull-|fetch-|import-)|cli\/commands\/models-take)/, file);
  for (const file of files.filter((file) => /^(inference\/(?!store\/)|runtime\/|processors\/)/.test(file)))
    assert.doesNotMatch(readFileSync(join(src, file), 'utf8'), /from '[^']*store\/(pull-|fetch-|import-)/, file);
});

test('every room exists, and files have names that say what is in them', () => {
  assert.deepEqual([...new Set(files.map(room))].sort(), Object.keys(ARROWS).sort());
  assert.deepEqual(
    files.filter((file) => BANNED.test(file)),
    [],
  );
});

test('no file is longer than 500 lines', () => {
  const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 500);
  assert.deepEqual(long, []);
});
