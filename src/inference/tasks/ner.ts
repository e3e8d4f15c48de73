import { z } from 'zod';
import type { Window } from '../windows.ts';
import { finite, shaped, type Task } from './task.ts';

/** An entity as Elasticsearch's NerResults names its parts. Positions count UTF-16 units of the whole text. */
export interface Entity {
  readonly entity: string;
  readonly class_name: string;
  readonly class_probability: number;
  readonly start_pos: number;
  readonly end_pos: number;
}

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, sequence, labels].'),
  aggregation: z
    .enum(['average', 'first'])
    .default('average')
    .describe('How the pieces of a word agree on its label: their average, as in Elasticsearch, or the first piece.'),
});
const options = z.strictObject({ classification_labels: z.array(z.string()).min(1).optional() });
type Graph = z.output<typeof graph>;
export interface Asked {
  readonly labels: readonly string[];
}

/** Names of people, places and things: [NerResults]. */
export const ner: Task<Graph, z.output<typeof options>, Asked, Entity[], Entity[]> = {
  graph,
  options,
  windows: true,
  span: false,
  prefix: false,
  read: ({ classification_labels: given }, { labels: own = [] }) => {
    if (given !== undefined && own.length > 0 && given.length !== own.length)
      throw new Error(`the model has ${own.length} labels, and classification_labels names ${given.length}`);
    return { labels: given ?? own };
  },
  outputs: ({ output }) => [output],
  part: ({ text, window, offset, rows: [row] }, { aggregation }, { labels }) => {
    shaped(row!, 'sequence', 'labels');
    const size = row!.dims.at(-1)!;
    if (size !== labels.length)
      throw new Error(`the graph gives ${size} logits a token, and the model's labels are ${labels.length}`);
    const logits = row!.data.subarray(offset * size, (offset + window.pieces.ids.length) * size);
    finite(logits);
    return entitiesOf(text, window, logits, tagsOf(labels), aggregation);
  },
  whole: (windows) => windows.flat(),
  size: (entities) => 200 * entities.length,
  fields: (entities, _asked, { text, results_field }) => ({
    [results_field]: annotate(text, entities),
    entities: entities.map((entity) => ({ ...entity })),
  }),
};

interface Tag {
  readonly className: string | undefined;
  /** B of BIO, or B and S of IOBES: an entity starts here whatever came before. */
  readonly begins: boolean;
  /** E and S of IOBES: the entity is complete. */
  readonly ends: boolean;
}

/** Labels like `B-PER`, `I-PER`, `E-PER`, `S-PER`, `L-`/`U-` (BILOU), `O`, or `B_PER` as Elasticsearch spells them. */
export const tagsOf = (labels: readonly string[]): Tag[] =>
  labels.map((label) => {
    const match = /^([BIESLUO])[-_](.+)$/.exec(label);
    if (match === null) return { className: label === 'O' ? undefined : label, begins: false, ends: false };
    const [, prefix = '', className = ''] = match;
    return { className, begins: 'BSU'.includes(prefix), ends: 'ESLU'.includes(prefix) };
  });

interface Word {
  readonly tag: Tag;
  readonly score: number;
  readonly start: number;
  readonly end: number;
  readonly firstPiece: number;
}

/**
 * Entities of one window.
 * @param logits [pieces, labels] of the window's pieces, special tokens left out
 * @param aggregation how the pieces of a word agree: the average of their probabilities, as Elasticsearch does, or the
 * first piece, for models whose later pieces always carry I-
 */
export const entitiesOf = (
  text: string,
  window: Window,
  logits: Float32Array,
  tags: readonly Tag[],
  aggregation: 'average' | 'first',
): Entity[] => {
  const entities: Entity[] = [];
  let open: { first: Word; last: Word; sum: number; count: number } | undefined;
  const close = () => {
    if (open === undefined) return;
    const { first, last, sum, count } = open;
    if (first.firstPiece >= window.coreFrom && first.firstPiece < window.coreTo) {
      entities.push({
        entity: text.slice(first.start, last.end),
        class_name: first.tag.className!,
        class_probability: sum / count,
        start_pos: first.start,
        end_pos: last.end,
      });
    }
    open = undefined;
  };
  for (const word of wordsOf(window, logits, tags, aggregation)) {
    const { className, begins, ends } = word.tag;
    if (className === undefined) {
      close();
      continue;
    }
    if (open !== undefined && !begins && open.first.tag.className === className) {
      open.last = word;
      open.sum += word.score;
      open.count += 1;
    } else {
      close();
      open = { first: word, last: word, sum: word.score, count: 1 };
    }
    if (ends) close();
  }
  close();
  return entities;
};

const wordsOf = (
  window: Window,
  logits: Float32Array,
  tags: readonly Tag[],
  aggregation: 'average' | 'first',
): Word[] => {
  const { words, starts, ends } = window.pieces;
  const labels = tags.length;
  const result: Word[] = [];
  const sum = new Float64Array(labels);
  for (let from = 0; from < words.length; ) {
    let to = from + 1;
    while (to < words.length && words[to] === words[from] && words[from] !== -1) to += 1;
    sum.fill(0);
    const used = aggregation === 'first' ? from + 1 : to;
    for (let piece = from; piece < used; piece += 1) addSoftmax(sum, logits, piece * labels, labels);
    let best = 0;
    for (let label = 1; label < labels; label += 1) if (sum[label]! > sum[best]!) best = label;
    result.push({
      tag: tags[best]!,
      score: sum[best]! / (used - from),
      start: starts[from]!,
      end: ends[to - 1]!,
      firstPiece: from,
    });
    from = to;
  }
  return result;
};

const addSoftmax = (sum: Float64Array, logits: Float32Array, offset: number, labels: number): void => {
  let highest = Number.NEGATIVE_INFINITY;
  for (let label = 0; label < labels; label += 1) highest = Math.max(highest, logits[offset + label]!);
  let total = 0;
  for (let label = 0; label < labels; label += 1) total += Math.exp(logits[offset + label]! - highest);
  for (let label = 0; label < labels; label += 1) sum[label]! += Math.exp(logits[offset + label]! - highest) / total;
};

/** The text with its entities marked, as Elasticsearch's annotated text: `[Tim Cook](PER&Tim+Cook)`. */
export const annotate = (text: string, entities: readonly Entity[]): string => {
  let out = '';
  let at = 0;
  for (const { entity, class_name, start_pos, end_pos } of entities) {
    if (start_pos < at) continue;
    out += `${text.slice(at, start_pos)}[${entity}](${class_name}&${urlEncode(entity)})`;
    at = end_pos;
  }
  return out + text.slice(at);
};

/** Java's URLEncoder: a blank becomes +, and only letters, digits and `.-*_` stay. */
const urlEncode = (text: string): string =>
  encodeURIComponent(text.toWellFormed())
    .replace(/%20/g, '+')
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
