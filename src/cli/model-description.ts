import { showReference } from '../inference/store/names.ts';
import { shownBytes } from '../inference/store/shown-bytes.ts';
import type { StoredModel } from '../inference/store/store.ts';
import { sizeOf } from '../inference/store/verify.ts';
import { fittedTable } from './fitted-table.ts';

/** What a model does, for a table. */
export const tasksOf = ({ manifest }: StoredModel): string =>
  [manifest?.task_type, ...Object.keys(manifest?.tasks ?? {})]
    .filter((task, at, all) => all.indexOf(task) === at && task !== undefined)
    .join(',') || '-';

/** A model for programs. */
export const modelJson = (model: StoredModel) => {
  const { id, version, bundled, current, aliases, folder, manifest, problem } = model;
  return {
    id,
    version: version ?? null,
    bundled,
    current,
    aliases,
    tasks: tasksOf(model).split(','),
    license: manifest?.license ?? null,
    total_size: sizeOf(model),
    source: manifest?.source ?? null,
    folder,
    ...(problem !== undefined && { problem }),
  };
};

/** A model for people: a line each, the files below. */
export const describeModel = (model: StoredModel, versions: readonly string[]): string => {
  const { manifest, folder, problem, aliases, bundled } = model;
  const { source } = manifest ?? {};
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['model_id', showReference(model)],
    ['description', manifest?.description],
    ['task', tasksOf(model)],
    ['inference_config', manifest?.inference_config && JSON.stringify(manifest.inference_config)],
    ['licence', manifest?.license ?? 'not said'],
    ['source', bundled ? 'comes with sluice' : source && `${source.kind} ${source.from}`],
    ['revision', source?.revision && `${source.revision}${source.requested ? ` (${source.requested})` : ''}`],
    ['weights', manifest && `${manifest.graph}${source?.dtype ? ` (${source.dtype})` : ''}`],
    ['tokens', manifest && String(manifest.max_sequence_length)],
    ['labels', manifest?.labels?.join(' ')],
    ['vector', manifest?.tasks.text_embedding && `${manifest.tasks.text_embedding.dims} numbers`],
    ['aliases', aliases.join(' ')],
    ['versions', versions.join(' ')],
    ['folder', folder],
    ['problem', problem],
    ['total size', shownBytes(sizeOf(model))],
  ];
  const said = lines.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [wrapped(name, value)]));
  const files = Object.entries(manifest?.sha256 ?? {}).map(([file, sha256]) => [
    file,
    manifest?.size?.[file] === undefined ? '-' : shownBytes(manifest.size[file]),
    sha256.slice(0, 16),
  ]);
  return [...said, '', fittedTable(['FILE', 'SIZE', 'SHA-256'], files)].join('\n');
};

const MARGIN = 18;
const WIDTH = 80;

/** Breaks at blanks only, so that folders and addresses can be copied. */
const wrapped = (name: string, value: string): string => {
  const lines = [''];
  for (const word of value.split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && MARGIN + last.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line, at) => (at === 0 ? name : '').padEnd(MARGIN) + line).join('\n');
};
