import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as Native } from 'tokenizers';
import { messageOf, SluiceError } from '../core/errors.ts';

/** The pieces of a text without special tokens. Offsets count UTF-16 units of the text. */
export interface Pieces {
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  /** Index of the word each piece belongs to. */
  readonly words: readonly number[];
}

/** A Hugging Face tokenizer.json. Never truncates or pads: windows are the caller's business. */
export class Tokenizer {
  readonly #native: Native;
  /** Special tokens around a text, e.g. [CLS] and [SEP]. */
  readonly before: readonly number[];
  readonly after: readonly number[];

  private constructor(native: Native, before: readonly number[], after: readonly number[]) {
    this.#native = native;
    this.before = before;
    this.after = after;
  }

  static async load(path: string): Promise<Tokenizer> {
    try {
      const native = Native.fromFile(path);
      native.disablePadding();
      native.disableTruncation();
      const probe = await native.encode('a');
      const special = probe.getSpecialTokensMask();
      const ids = probe.getIds();
      const first = special.indexOf(0);
      const last = special.lastIndexOf(0);
      return new Tokenizer(native, ids.slice(0, first), ids.slice(last + 1));
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

  async encode(text: string): Promise<Pieces> {
    const encoding = await this.#native.encode(text, null, { addSpecialTokens: false });
    return piecesOf(encoding, text);
  }

  async encodeAll(texts: readonly string[]): Promise<Pieces[]> {
    const encodings = await this.#native.encodeBatch([...texts], { addSpecialTokens: false });
    return encodings.map((encoding, index) => piecesOf(encoding, texts[index]!));
  }
}

const piecesOf = (encoding: Awaited<ReturnType<Native['encode']>>, text: string): Pieces => {
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
