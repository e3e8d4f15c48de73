import { z } from 'zod';

const size = (least: number) =>
  z.number().int().min(least).max(10_000).default(250).describe('Words of a chunk at most.');

/** https://www.elastic.co/docs/explore-analyze/elastic-inference/inference-api#infer-chunking-config */
export const chunkingSettings = z.discriminatedUnion('strategy', [
  z
    .strictObject({
      strategy: z.literal('word'),
      max_chunk_size: size(10),
      overlap: z.number().int().min(0).default(100).describe('Words that neighbours share, half of them at most.'),
    })
    .refine(({ overlap, max_chunk_size }) => overlap <= max_chunk_size / 2, {
      path: ['overlap'],
      message: 'must be half of max_chunk_size at most',
    }),
  z.strictObject({
    strategy: z.literal('sentence'),
    max_chunk_size: size(20),
    sentence_overlap: z.number().int().min(0).max(1).default(1).describe('Sentences that neighbours share.'),
  }),
  z
    .strictObject({
      strategy: z.literal('recursive'),
      max_chunk_size: size(10),
      separators: z
        .array(z.string().min(1))
        .min(1)
        .max(50)
        .optional()
        .describe('Texts that begin a new part, the strongest first.'),
      separator_group: z.enum(['plaintext', 'markdown']).optional().describe('In place of separators.'),
    })
    .refine(
      ({ separators, separator_group }) => (separators === undefined) !== (separator_group === undefined),
      'either separators or separator_group',
    ),
  z.strictObject({ strategy: z.literal('none') }),
]);
export type ChunkingSettings = z.output<typeof chunkingSettings>;

/** A part of a text, in UTF-16 units. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
}

const SEPARATORS = {
  plaintext: ['\n\n', '\n'],
  markdown: ['\n# ', '\n## ', '\n### ', '\n#### ', '\n##### ', '\n###### ', '\n---\n', '\n***\n', '\n\n', '\n'],
};

/** The chunks of a text, in their order; at least one. */
export const chunksOf = (text: string, settings: ChunkingSettings): Chunk[] => {
  const whole = { start: 0, end: text.length };
  switch (settings.strategy) {
    case 'none':
      return [whole];
    case 'word':
      return byWords(text, whole, settings.max_chunk_size, settings.overlap);
    case 'sentence':
      return bySentences(text, whole, settings.max_chunk_size, settings.sentence_overlap);
    case 'recursive': {
      const separators = settings.separators ?? SEPARATORS[settings.separator_group!];
      return recursively(text, whole, settings.max_chunk_size, separators);
    }
  }
};

const words = new Intl.Segmenter('en', { granularity: 'word' });
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Where each word ends. */
const wordEnds = (text: string, { start, end }: Chunk): number[] => {
  const ends: number[] = [];
  for (const { segment, index, isWordLike } of words.segment(text.slice(start, end)))
    if (isWordLike === true) ends.push(start + index + segment.length);
  return ends;
};

/** A chunk ends with a word; what follows it begins the next one, `overlap` words earlier. */
const byWords = (text: string, range: Chunk, most: number, overlap: number): Chunk[] => {
  const ends = wordEnds(text, range);
  const chunks: Chunk[] = [];
  for (let from = 0; ; from += most - overlap) {
    const start = from === 0 ? range.start : ends[from - 1]!;
    const last = from + most >= ends.length;
    chunks.push({ start, end: last ? range.end : ends[from + most - 1]! });
    if (last) return chunks;
  }
};

interface Sentence extends Chunk {
  readonly words: number;
}

/** Whole sentences as long as they fit; one that is too long by itself is cut at its words. */
const bySentences = (text: string, range: Chunk, most: number, overlap: number): Chunk[] => {
  const chunks: Chunk[] = [];
  let open: Sentence[] = [];
  const count = () => open.reduce((sum, sentence) => sum + sentence.words, 0);
  const close = () => {
    if (open.length > 0) chunks.push({ start: open[0]!.start, end: open.at(-1)!.end });
  };
  for (const sentence of sentencesIn(text, range)) {
    if (sentence.words > most) {
      // Blanks and signs alone are no chunk.
      const start = count() === 0 ? (open[0]?.start ?? sentence.start) : sentence.start;
      if (start === sentence.start) close();
      open = [];
      chunks.push(...byWords(text, { start, end: sentence.end }, most, 0));
      continue;
    }
    if (open.length > 0 && count() + sentence.words > most) {
      close();
      // Shared sentences must leave room for the new one, or no chunk would get on.
      open = open
        .slice(open.length - overlap)
        .filter(({ words: shared }) => overlap > 0 && shared + sentence.words <= most);
    }
    open.push(sentence);
  }
  close();
  return chunks.length === 0 ? [range] : chunks;
};

const sentencesIn = (text: string, { start, end }: Chunk): Sentence[] => {
  const found: Sentence[] = [];
  for (const { segment, index } of sentences.segment(text.slice(start, end))) {
    const chunk = { start: start + index, end: start + index + segment.length };
    found.push({ ...chunk, words: wordEnds(text, chunk).length });
  }
  return found;
};

/** Parts between the strongest separators, joined while they fit; what is too long goes on with the next one. */
const recursively = (text: string, range: Chunk, most: number, separators: readonly string[]): Chunk[] => {
  if (wordEnds(text, range).length <= most) return [range];
  const [separator, ...weaker] = separators;
  if (separator === undefined) return bySentences(text, range, most, 0);
  const chunks: Chunk[] = [];
  let open: Sentence | undefined;
  for (const part of partsOf(text, range, separator)) {
    const own = wordEnds(text, part).length;
    if (open !== undefined && open.words + own <= most) {
      open = { start: open.start, end: part.end, words: open.words + own };
      continue;
    }
    if (open !== undefined) chunks.push({ start: open.start, end: open.end });
    open = undefined;
    if (own > most) chunks.push(...recursively(text, part, most, weaker));
    else open = { ...part, words: own };
  }
  if (open !== undefined) chunks.push({ start: open.start, end: open.end });
  return chunks;
};

/** A separator begins the part behind it. */
const partsOf = (text: string, { start, end }: Chunk, separator: string): Chunk[] => {
  const parts: Chunk[] = [];
  let from = start;
  for (let at = text.indexOf(separator, start + 1); at > 0 && at < end; at = text.indexOf(separator, at + 1)) {
    parts.push({ start: from, end: at });
    from = at;
  }
  parts.push({ start: from, end });
  return parts;
};
