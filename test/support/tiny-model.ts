import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TinyGraph, tinyOnnx } from './tiny-onnx.ts';

export interface TinyModel extends TinyGraph {
  readonly vocabulary: readonly string[];
  readonly architecture: string;
  readonly labels?: readonly string[];
  /** Tokens the tokenizer says the model takes. */
  readonly length?: number;
}

/** Writes a model's folder in the Hugging Face layout: words are tokens, no special ones are added. */
export const writeTinyModel = (folder: string, model: TinyModel): string => {
  const { vocabulary, architecture, labels = [], length = 512 } = model;
  mkdirSync(join(folder, 'onnx'), { recursive: true });
  const file = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content));
  file('config.json', {
    model_type: 'bert',
    architectures: [architecture],
    hidden_size: model.rows[0]!.length,
    max_position_embeddings: length,
    vocab_size: vocabulary.length,
    id2label: Object.fromEntries(labels.map((label, index) => [index, label])),
    label2id: Object.fromEntries(labels.map((label, index) => [label, index])),
  });
  const special = vocabulary
    .map((content, id) => ({ id, content }))
    .filter(({ content }) => content.startsWith('['))
    .map((token) => ({ ...token, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }));
  file('tokenizer.json', {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special,
    normalizer: null,
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordLevel',
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      unk_token: '[UNK]',
    },
  });
  file('tokenizer_config.json', {
    tokenizer_class: 'BertTokenizer',
    model_max_length: length,
    unk_token: '[UNK]',
    pad_token: '[PAD]',
    mask_token: '[MASK]',
    sep_token: '[UNK]',
    cls_token: '[UNK]',
  });
  const graph = tinyOnnx(model);
  for (const name of ['model.onnx', 'model_quantized.onnx']) writeFileSync(join(folder, 'onnx', name), graph);
  return folder;
};
