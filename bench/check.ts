import { InferenceSession, Tensor } from 'onnxruntime-node';
import { readModel } from '../src/inference/manifest.ts';
import { tagsOf } from '../src/inference/tasks/ner.ts';
import { Tokenizer } from '../src/inference/tokenizer.ts';
import { root } from './texts.ts';

const MODEL = `${root}models/minilm-l6-enrich-en`;
const CHECKED = 100;
const MAX_PIECES = 254;

export interface Enriched {
  readonly body: string;
  readonly ml: {
    readonly ner: {
      readonly entities: readonly {
        readonly class_name: string;
        readonly start_pos: number;
        readonly end_pos: number;
      }[];
    };
    readonly body: { readonly predicted_value: readonly number[] };
  };
}

/**
 * A fast row must also be a right one: vectors and labels of some documents beside what ONNX Runtime alone gives.
 * @param checked how many of them, evenly spread
 * @throws Error where they differ
 */
export const checkAgainstLimit = async (documents: readonly Enriched[], checked = CHECKED): Promise<void> => {
  const { labels = [] } = readModel(MODEL).manifest;
  const tags = tagsOf(labels);
  const tokenizer = await Tokenizer.load(`${MODEL}/tokenizer.json`);
  const session = await InferenceSession.create(`${MODEL}/onnx/model_tokenwise.onnx`, { intraOpNumThreads: 1 });
  const step = Math.max(1, Math.floor(documents.length / checked));
  for (let at = 0; at < documents.length; at += step) {
    const { body, ml } = documents[at]!;
    const pieces = await tokenizer.encode(body);
    const ids = BigInt64Array.from(
      [...tokenizer.before, ...pieces.ids.slice(0, MAX_PIECES), ...tokenizer.after].map(BigInt),
    );
    const shape = [1, ids.length];
    const { sentence_embedding: vector, logits } = await session.run({
      input_ids: new Tensor('int64', ids, shape),
      attention_mask: new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape),
      token_type_ids: new Tensor('int64', new BigInt64Array(ids.length), shape),
    });
    const worst = Math.max(
      ...ml.body.predicted_value.map((value, dim) => Math.abs(value - (vector!.data[dim] as number))),
    );
    if (!(worst < 1e-6)) throw new Error(`a vector differs from the limit's by ${worst}`);
    const all = logits!.data as Float32Array;
    const words = new Set<number>();
    pieces.ids.slice(0, MAX_PIECES).forEach((_, piece) => {
      // A word's first piece says whether it is part of an entity, and of which class.
      if (words.has(pieces.words[piece]!)) return;
      words.add(pieces.words[piece]!);
      const row = all.subarray((piece + 1) * labels.length, (piece + 2) * labels.length);
      const tag = tags[row.indexOf(Math.max(...row))]!;
      const start = pieces.starts[piece]!;
      const found = ml.ner.entities.find(({ start_pos, end_pos }) => start >= start_pos && start < end_pos);
      if (found?.class_name !== tag.className)
        throw new Error(`a label differs from the limit's: ${found?.class_name} where it says ${tag.className}`);
    });
  }
  await session.release();
};
