import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Encoding, Tokenizer as Native } from 'tokenizers';
import { messageOf, SluiceError } from '../core/errors.ts';

/** The pieces of a text without special tokens. Offsets count UTF-16 units of the text. */
export interface Pieces {
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Index of the word each piece belongs to. */
  readonly words: readonly number[];
}

/** Special tokens around and between the two texts of a pair, and the segment of each part. */
export interface PairLayout {
  readonly before: readonly number[];
  readonly between: readonly number[];
  readonly after: readonly number[];
  /** `token_type_ids` of before, the first text, between, the second text, after. */
  readonly types: {
    readonly before: readonly number[];
    readonly first: number;
    readonly between: readonly number[];
    readonly second: number;
    readonly after: readonly number[];
  };
}

/** A Hugging Face tokenizer.json. Never truncates or pads: windows are the caller's business. */
export class Tokenizer {
  readonly #native: Native;
  /** Special tokens around a text, e.g. [CLS] and [SEP]. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly pair: PairLayout;

  private constructor(native: Native, single: Layout, pair: PairLayout) {
    this.#native = native;
    this.before = single.before;
    this.after = single.after;
    this.pair = pair;
  }

  static async load(path: string): Promise<Tokenizer> {
    try {
      const native = Native.fromFile(path);
      native.disablePadding();
      native.disableTruncation();
      const probe = await native.encode('a');
      const ids = probe.getIds();
      const special = probe.getSpecialTokensMask();
      const first = Math.max(0, special.indexOf(0));
      const last = special.lastIndexOf(0);
      const single = { before: ids.slice(0, first), after: ids.slice(last + 1) };
      return new Tokenizer(native, single, pairLayout(await native.encode('a', 'a')));
    } catch (error) {
      throw new SluiceError('SLUICE_MODEL_INVALID', `the tokenizer cannot be loaded: ${messageOf(error)}`, {
        place: path,
        cause: error,
      });
    }
  }

  /**
   * The tokenizer of a model's folder.
   * @throws SluiceError SLUICE_MODEL_INVALID, also where it has more tokens than the model has embeddings
   */
  static async ofModel(folder: string): Promise<Tokenizer> {
    const path = join(folder, 'tokenizer.json');
    const tokenizer = await Tokenizer.load(path);
    const { vocab_size } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { vocab_size?: unknown };
    const size = tokenizer.#native.getVocabSize(true);
    if (typeof vocab_size === 'number' && size > vocab_size)
      throw new SluiceError(
        'SLUICE_MODEL_INVALID',
        `the tokenizer knows ${size} tokens and the model only ${vocab_size}: it belongs to another model`,
        { place: path },
      );
    return tokenizer;
  }

  /** The text that a token stands for; special ones as they are written. Undefined for an id that there is not. */
  token(id: number): string | undefined {
    return this.#native.idToToken(id) ?? undefined;
  }

  /** The id of a token as the vocabulary writes it. */
  idOf(token: string): number | undefined {
    return this.#native.tokenToId(token) ?? undefined;
  }

  /** A token as text: without the marks that vocabularies put before the beginning of a word. */
  async textOf(id: number): Promise<string> {
    return (await this.#native.decode([id], false)).trim();
  }

  async encode(text: string): Promise<Pieces> {
    const encoding = await this.#native.encode(text, null, { addSpecialTokens: false });
    return piecesOf(encoding, text);
  }

  async encodeAll(texts: readonly string[]): Promise<Pieces[]> {
    const encodings = await this.#native.encodeBatch([...texts], { addSpecialTokens: false });
    return encodings.map((encoding, index) => piecesOf(encoding, texts[index]!));
  }
}

interface Layout {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Where the tokenizer puts what when it is given two texts. */
const pairLayout = (probe: Encoding): PairLayout => {
  const ids = probe.getIds();
  const types = probe.getTypeIds();
  const sequences = probe.getSequenceIds();
  const firstFrom = sequences.indexOf(0);
  const firstTo = sequences.lastIndexOf(0) + 1;
  const secondFrom = sequences.indexOf(1);
  const secondTo = sequences.lastIndexOf(1) + 1;
  if (firstFrom < 0 || secondFrom < 0) throw new Error('it gives no tokens for a pair of texts');
  return {
    before: ids.slice(0, firstFrom),
    between: ids.slice(firstTo, secondFrom),
    after: ids.slice(secondTo),
    types: {
      before: types.slice(0, firstFrom),
      first: types[firstFrom]!,
      between: types.slice(firstTo, secondFrom),
      second: types[secondFrom]!,
      after: types.slice(secondTo),
    },
  };
};

const piecesOf = (encoding: Encoding, text: string): Pieces => {
  const units = unitsOfCodePoints(text);
  const offsets = encoding.getOffsets();
  const starts = new Array<number>(offsets.length);
  const ends = new Array<number>(offsets.length);
  for (let i = 0; i < offsets.length; i += 1) {
    const [start = 0, end = 0] = offsets[i]!;
    starts[i] = units === undefined ? start : units[start]!;
    ends[i] = units === undefined ? end : units[end]!;
  }
  return { ids: encoding.getIds(), starts, ends, words: encoding.getWordIds().map((word) => word ?? -1) };
};

/** The library counts code points, JavaScript and Elasticsearch UTF-16 units; they differ beyond the first plane. */
const unitsOfCodePoints = (text: string): Uint32Array | undefined => {
  if (!/[\ud800-\udbff]/.test(text)) return undefined;
  const units = new Uint32Array(text.length + 1);
  let point = 0;
  let unit = 0;
  for (const char of text) {
    units[point] = unit;
    point += 1;
    unit += char.length;
  }
  units[point] = unit;
  return units;
};
