import { join } from 'node:path';
import { SluiceError } from '../../core/errors.ts';
import { writeJson } from '../../core/json/write.ts';
import type { LetterFilter } from '../../sources/dead_letter/filter.ts';
import type { DeadLetter } from '../../sources/dead_letter/letter.ts';
import { DeadLetterSource, readLetters } from '../../sources/dead_letter/source.ts';
import { deadLetterStore } from '../dead-letter-store.ts';
import { mustLoad } from '../load-stream.ts';
import { createLog } from '../log.ts';
import { run } from './run.ts';

/** What the command line says about which letters are meant. */
export interface DlqFilter {
  readonly type?: string[];
  readonly tag?: string[];
  readonly topic?: string[];
  readonly id?: string[];
  readonly since?: number;
  readonly until?: number;
}

export interface DlqOptions extends DlqFilter {
  readonly limit?: number;
  readonly json?: boolean;
}

export interface RedriveOptions extends DlqOptions {
  readonly pipeline?: string;
  readonly resume?: boolean;
  readonly rate?: number;
  readonly checkpoint?: string;
  readonly http?: string;
}

const LISTED = 100;

/** `sluice dlq list`: a line for each letter; contents are not shown. */
export const dlqList = async (file: string, options: DlqOptions): Promise<number> => {
  const { json = false, limit = LISTED } = options;
  const letters: DeadLetter[] = [];
  let more = 0;
  await read(file, options, (letter) => {
    if (letters.length < limit) letters.push(letter);
    else more += 1;
  });
  if (json) for (const letter of letters) console.log(JSON.stringify(lineOf(letter)));
  else {
    const rows = letters.map((letter) => [
      when(letter.time),
      letter.type,
      letter.tag ?? letter.processor ?? '-',
      letter.place,
    ]);
    console.log(table(['TIME', 'TYPE', 'STEP', 'ORIGIN'], rows));
    if (more > 0) console.log(`and ${more} more: --limit shows them`);
  }
  return 0;
};

/** `sluice dlq show`: all of some letters, the documents in them included. */
export const dlqShow = async (file: string, ids: readonly string[], options: DlqOptions): Promise<number> => {
  let shown = 0;
  await read(file, { ...options, id: [...ids] }, ({ json, raw }) => {
    shown += 1;
    console.log(options.json === true ? writeJson(json) : JSON.stringify(JSON.parse(writeJson(json)), null, 2));
    if (raw && options.json !== true) console.log(`the record as it came:\n${raw.toString('utf8')}\n`);
  });
  if (shown > 0) return 0;
  throw new SluiceError('SLUICE_USAGE', `no dead letter has the id or origin [${ids.join(', ')}]`, {
    place: file,
    hint: '`sluice dlq list` shows them.',
  });
};

/** `sluice dlq stats`: how many there are of each kind. */
export const dlqStats = async (file: string, options: DlqOptions): Promise<number> => {
  const kinds = new Map<
    string,
    { type: string; step: string; topic: string; count: number; first: number; last: number }
  >();
  let total = 0;
  await read(file, options, ({ type, tag, processor, topic = '-', time }) => {
    total += 1;
    const step = tag ?? processor ?? '-';
    const key = JSON.stringify([type, step, topic]);
    const kind = kinds.get(key) ?? { type, step, topic, count: 0, first: time, last: time };
    kind.count += 1;
    kind.first = Math.min(kind.first, time);
    kind.last = Math.max(kind.last, time);
    kinds.set(key, kind);
  });
  const sorted = [...kinds.values()].sort((a, b) => b.count - a.count);
  if (options.json === true) {
    console.log(
      JSON.stringify({
        total,
        kinds: sorted.map((kind) => ({ ...kind, first: iso(kind.first), last: iso(kind.last) })),
      }),
    );
    return 0;
  }
  const rows = sorted.map(({ count, type, step, topic, last }) => [String(count), type, step, topic, when(last)]);
  console.log(table(['COUNT', 'TYPE', 'STEP', 'TOPIC', 'LAST'], rows));
  console.log(`${total} dead letters`);
  return 0;
};

/** `sluice dlq redrive`: sends the records behind the letters through the pipeline again, or through a corrected one. */
export const dlqRedrive = async (file: string, options: RedriveOptions): Promise<number> => {
  const { pipeline = file, resume, rate, limit, http, json, checkpoint } = options;
  const log = createLog(json === true);
  const store = mustLoad(file, log);
  let source: DeadLetterSource | undefined;
  const status = await run([pipeline], {
    ...(http !== undefined && { http }),
    ...(json !== undefined && { json }),
    append: true,
    source: () => {
      const inner = deadLetterStore(store, {
        log,
        checkpoint: checkpoint ?? join('.sluice', `${store.name}.redrive.json`),
        resume,
        rate,
        limit,
      });
      source = new DeadLetterSource({ inner, filter: filterOf(options), log });
      return source;
    },
  });
  const { cut = 0, unreadable = 0 } = source?.leftOut ?? {};
  if (cut + unreadable === 0) return status;
  throw new SluiceError(
    'SLUICE_SOURCE_FAILED',
    `${cut + unreadable} dead letters were left out: ${cut} hold only a part of their record, ${unreadable} cannot be read`,
    { place: file, hint: 'The log names them. A record that was cut has to be read from its origin again.' },
  );
};

const read = async (file: string, options: DlqFilter, take: (letter: DeadLetter) => void): Promise<void> => {
  const filter = filterOf(options);
  const source = deadLetterStore(mustLoad(file, createLog(false)));
  await readLetters(source, filter, (letter) => {
    take(letter);
    return true;
  });
};

const filterOf = ({ type, tag, topic, id, since, until }: DlqFilter): LetterFilter => ({
  types: type,
  tags: tag,
  topics: topic,
  ids: id,
  since,
  until,
});

const iso = (time: number): string => (Number.isNaN(time) ? '-' : new Date(time).toISOString());
const when = (time: number): string => iso(time).replace(/\.\d+Z$/, 'Z');

const lineOf = ({ time, id, type, processor, tag, pipeline, place }: DeadLetter) => ({
  '@timestamp': iso(time),
  id,
  type,
  processor_type: processor,
  processor_tag: tag,
  pipeline,
  origin: place,
});

/** Columns as wide as what is in them. */
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
