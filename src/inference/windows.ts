import { type ChunkingSettings, chunksOf } from './chunking.ts';
import type { Pieces, Tokenizer } from './tokenizer.ts';

/** One run of the model over a part of a text. */
export interface Window {
  /** Pieces without special tokens; offsets count UTF-16 units of the whole text. */
  readonly pieces: Pieces;
  /** Part of the text that the window stands for. */
  readonly start: number;
  readonly end: number;
  /** Pieces whose entities count: overlapping windows share pieces, and each entity is taken once, where it has context on both sides. */
  readonly coreFrom: number;
  readonly coreTo: number;
  /** The other text of a pair, and which of the two the window is of. */
  readonly other?: { readonly ids: readonly number[]; readonly document: 'first' | 'second' };
}

/** What becomes of a text that is longer than the model takes: its head, or all of it in windows. */
export type LongText = 'truncate' | 'sentences' | ChunkingSettings;

export interface WindowPlan {
  readonly windows: readonly Window[];
  readonly truncated: boolean;
  /** Tokens of the whole text as far as it was looked at, special ones included. */
  readonly tokens: number;
}

/** Characters a token takes on average at most; a text is first cut here, so that a book is not tokenized for 256 tokens. */
export const CHARS_A_TOKEN = 12;

/** The text in chunks, each cut where it is longer than the model takes. */
export const chunkWindows = async (
  tokenizer: Tokenizer,
  text: string,
  settings: ChunkingSettings,
  maxTokens: number,
): Promise<WindowPlan> => {
  const room = maxTokens - specials(tokenizer);
  const chunks = chunksOf(text, settings);
  const encoded = await tokenizer.encodeAll(chunks.map(({ start, end }) => text.slice(start, end)));
  const windows = chunks.map(({ start, end }, index) =>
    wholeWindow(slicePieces(shiftPieces(encoded[index]!, start), 0, room), start, end),
  );
  return {
    windows,
    truncated: encoded.some(({ ids }) => ids.length > room),
    tokens: windows.reduce((sum, { pieces }) => sum + pieces.ids.length + specials(tokenizer), 0),
  };
};

/** The head of a text, as Elasticsearch's `truncate: first`. */
export const truncatedWindow = async (tokenizer: Tokenizer, text: string, maxTokens: number): Promise<WindowPlan> => {
  const room = maxTokens - specials(tokenizer);
  let length = room * CHARS_A_TOKEN;
  for (;;) {
    const head = text.length <= length ? text : text.slice(0, length);
    const pieces = await tokenizer.encode(head);
    // The last word may have been cut, so its pieces do not count unless the text ends there.
    if (head.length < text.length && pieces.ids.length <= room + 100) {
      length *= 8;
      continue;
    }
    const truncated = pieces.ids.length > room;
    const kept = truncated ? slicePieces(pieces, 0, room) : pieces;
    return {
      windows: [wholeWindow(kept, 0, truncated ? (kept.ends.at(-1) ?? 0) : text.length)],
      truncated,
      tokens: Math.min(pieces.ids.length, room) + specials(tokenizer),
    };
  }
};

/**
 * The whole text in windows: whole sentences packed up to `maxTokens`; a sentence that is longer is covered by windows
 * that overlap by a quarter.
 */
export const sentenceWindows = async (tokenizer: Tokenizer, text: string, maxTokens: number): Promise<WindowPlan> => {
  const room = maxTokens - specials(tokenizer);
  if (text.length <= room * CHARS_A_TOKEN) {
    const pieces = await tokenizer.encode(text);
    if (pieces.ids.length <= room) {
      return {
        windows: [wholeWindow(pieces, 0, text.length)],
        truncated: false,
        tokens: pieces.ids.length + specials(tokenizer),
      };
    }
  }
  const sentences = sentencesOf(text);
  const encoded = await tokenizer.encodeAll(sentences.map(({ start, end }) => text.slice(start, end)));
  const windows: Window[] = [];
  let packed: Pieces[] = [];
  let from = 0;
  let count = 0;
  const close = (end: number) => {
    if (count > 0) windows.push(wholeWindow(joinPieces(packed), from, end));
    packed = [];
    count = 0;
  };
  sentences.forEach(({ start, end }, index) => {
    const pieces = shiftPieces(encoded[index]!, start);
    if (count + pieces.ids.length > room) close(start);
    if (count === 0) from = start;
    if (pieces.ids.length > room) {
      windows.push(...overlapping(pieces, room, start, end));
      return;
    }
    packed.push(pieces);
    count += pieces.ids.length;
  });
  close(text.length);
  if (windows.length === 0) windows.push(wholeWindow(EMPTY, 0, text.length));
  const tokens = windows.reduce((sum, { pieces }) => sum + pieces.ids.length + specials(tokenizer), 0);
  return { windows, truncated: false, tokens };
};

const EMPTY: Pieces = { ids: [], starts: [], ends: [], words: [] };

const specials = (tokenizer: Tokenizer): number => tokenizer.before.length + tokenizer.after.length;

export const wholeWindow = (pieces: Pieces, start: number, end: number): Window => ({
  pieces,
  start,
  end,
  coreFrom: 0,
  coreTo: pieces.ids.length,
});

const overlapping = (pieces: Pieces, room: number, sentenceStart: number, sentenceEnd: number): Window[] => {
  const count = pieces.ids.length;
  const overlap = Math.floor(room / 4);
  const windows: Window[] = [];
  let core = 0;
  for (let from = 0; ; ) {
    const to = Math.min(count, from + room);
    const part = slicePieces(pieces, from, to);
    const last = to === count;
    const coreEnd = last ? count : Math.max(core + 1, wordStart(pieces, to - (overlap >> 1)));
    windows.push({
      pieces: part,
      start: from === 0 ? sentenceStart : part.starts[0]!,
      end: last ? sentenceEnd : part.ends.at(-1)!,
      coreFrom: core - from,
      coreTo: coreEnd - from,
    });
    if (last) return windows;
    core = coreEnd;
    const next = wordStart(pieces, to - overlap);
    // A single word longer than the overlap must not keep the windows from moving on.
    from = next > from ? next : to - overlap;
  }
};

/** First piece of the word that `index` stands in. */
const wordStart = (pieces: Pieces, index: number): number => {
  let at = index;
  while (at > 0 && pieces.words[at] === pieces.words[at - 1] && pieces.words[at] !== -1) at -= 1;
  return at;
};

export const slicePieces = ({ ids, starts, ends, words }: Pieces, from: number, to: number): Pieces => ({
  ids: ids.slice(from, to),
  starts: starts.slice(from, to),
  ends: ends.slice(from, to),
  words: words.slice(from, to),
});

const shiftPieces = ({ ids, starts, ends, words }: Pieces, by: number): Pieces =>
  by === 0
    ? { ids, starts, ends, words }
    : { ids, starts: starts.map((at) => at + by), ends: ends.map((at) => at + by), words };

/** Word numbers start anew in each sentence; they must differ between neighbours. */
const joinPieces = (parts: readonly Pieces[]): Pieces => {
  if (parts.length === 1) return parts[0]!;
  const words: number[] = [];
  let base = 0;
  for (const part of parts) {
    let highest = -1;
    for (const word of part.words) {
      words.push(word < 0 ? word : base + word);
      if (word > highest) highest = word;
    }
    base += highest + 1;
  }
  return {
    ids: parts.flatMap(({ ids }) => ids),
    starts: parts.flatMap(({ starts }) => starts),
    ends: parts.flatMap(({ ends }) => ends),
    words,
  };
};

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
/** The segmenter's cost grows faster than its input on long stretches without a line break. */
const BLOCK = 20_000;

interface Sentence {
  readonly start: number;
  readonly end: number;
}

/** Sentences with the white space behind them; together they are the whole text. */
export const sentencesOf = (text: string): Sentence[] => {
  const sentences: Sentence[] = [];
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + BLOCK);
    if (to < text.length) {
      const space = text.lastIndexOf(' ', to);
      if (space > from) to = space + 1;
      else if (/[\udc00-\udfff]/.test(text[to]!)) to += 1;
    }
    for (const { segment, index } of segmenter.segment(text.slice(from, to))) {
      sentences.push({ start: from + index, end: from + index + segment.length });
    }
    from = to;
  }
  return sentences;
};
