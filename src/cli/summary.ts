import { existsSync } from 'node:fs';
import type { Stream } from '../runtime/stream.ts';
import { readEnriched } from './enriched-file.ts';
import type { LoadedStream } from './load-stream.ts';
import { DEFAULT_MODEL, embed, formatHit, searchFile } from './semantic-search.ts';

export interface SummaryOptions {
  readonly json: boolean;
  readonly search: string | undefined;
}

const CLASSES: readonly (readonly [string, string])[] = [
  ['PER', 'people'],
  ['ORG', 'organisations'],
  ['LOC', 'places'],
];
const TOP = 5;
const WIDTH = 80;

/** Tells how a stream went; for a file of enriched documents also what was found. */
export const printSummary = async (
  loaded: LoadedStream,
  stream: Stream,
  { json, search }: SummaryOptions,
): Promise<void> => {
  const { counters } = stream;
  const { delivered, duplicate, filtered, dead_lettered } = counters.settled;
  const seconds = Math.max(0.001, counters.active_seconds);
  let tokens = 0;
  for (const stats of loaded.models.stats.values()) tokens += stats.counters.tokens;
  const numbers = {
    stream: stream.name,
    seconds: round(seconds),
    documents: counters.settledTotal,
    documents_per_second: round(counters.settledTotal / seconds),
    tokens,
    tokens_per_second: round(tokens / seconds),
    delivered,
    duplicate,
    filtered,
    dead_lettered,
    ...(stream.endedEarly && { ended_early: true }),
  };
  const path = loaded.config.sink.file?.path;
  const looks = path !== undefined && !stream.endedEarly && delivered > 0;
  const entities = looks ? await topEntities(path) : undefined;
  if (json) {
    console.log(JSON.stringify({ ...numbers, ...(entities && { entities }) }));
    return;
  }
  const lines = [
    `${stream.name}: ${counters.settledTotal} documents in ${seconds.toFixed(1)} s, ${numbers.documents_per_second} documents/s${tokens > 0 ? `, ${numbers.tokens_per_second.toLocaleString('en')} tokens/s` : ''}`,
    `  ${[`${delivered} delivered`, duplicate > 0 && `${duplicate} there already`, filtered > 0 && `${filtered} dropped`, dead_lettered > 0 && `${dead_lettered} to the dead letter`].filter(Boolean).join(', ')}`,
  ];
  for (const [name, label] of CLASSES) {
    const top = entities?.[name];
    if (top !== undefined && top.length > 0)
      lines.push(
        ...wrap(
          `  ${label.padEnd(14)}`,
          top.map(([entity, count]) => `${entity} (${count})`),
        ),
      );
  }
  console.error(lines.join('\n'));
  if (stream.endedEarly) console.error(howToGoOn(loaded));
  if (looks) console.error(`  written to ${path}`);
  if (search !== undefined && looks) await showSearch(path, search);
};

/** For a stream that was stopped before its source had ended. */
const howToGoOn = ({ config, file }: LoadedStream): string => {
  const lines = ['  stopped before the end of the source'];
  const part = `${config.sink.file?.path}.part`;
  if (config.sink.file !== undefined && existsSync(part)) lines.push(`  what was delivered so far lies in ${part}`);
  const { checkpoint } = config.source.dump ?? config.source.elasticsearch ?? config.source.kafka?.range ?? {};
  const { range } = config.source.kafka ?? {};
  const from =
    range !== undefined ? [`kafka:${range.start}..${range.end ?? ''}`] : [config.source.dump?.paths ?? []].flat();
  if (checkpoint === undefined || from.includes('-')) lines.push('  the next run starts from the beginning');
  else {
    const words = [
      'replay',
      file,
      ...(from.length > 0 ? ['--from', ...from] : []),
      '--checkpoint',
      checkpoint,
      '--resume',
    ];
    lines.push(`  to go on: npx sluice ${words.map(quoted).join(' ')}`);
  }
  return lines.join('\n');
};

/** As a shell takes it for one word. */
const quoted = (word: string): string => (/^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

const showSearch = async (path: string, query: string): Promise<void> => {
  const [vector] = await embed(DEFAULT_MODEL, [query]);
  console.error(`\n  sluice search ${path} "${query}"`);
  const hits = await searchFile(path, vector!, 3);
  hits.forEach((hit, index) => console.error(formatHit(hit, index + 1, WIDTH - 2).replace(/^/gm, '  ')));
};

/** The most frequent entities by class, counted once for each document. */
const topEntities = async (path: string): Promise<Record<string, [string, number][]>> => {
  const counts: Record<string, Map<string, number>> = {};
  for await (const { entities } of readEnriched(path)) {
    for (const name of new Set(entities.map(({ class_name, entity }) => `${class_name}\u0000${entity}`))) {
      const [className = '', entity = ''] = name.split('\u0000');
      const counted = (counts[className] ??= new Map());
      counted.set(entity, (counted.get(entity) ?? 0) + 1);
    }
  }
  return Object.fromEntries(
    Object.entries(counts).map(([name, counted]) => [
      name,
      [...counted].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, TOP),
    ]),
  );
};

const wrap = (head: string, items: readonly string[]): string[] => {
  const lines: string[] = [];
  let line = head;
  items.forEach((item, index) => {
    const piece = index === items.length - 1 ? item : `${item}, `;
    if (line.length + piece.trimEnd().length > WIDTH) {
      lines.push(line.trimEnd());
      line = ' '.repeat(head.length);
    }
    line += piece;
  });
  lines.push(line.trimEnd());
  return lines;
};

const round = (value: number): number => Math.round(value * 10) / 10;
