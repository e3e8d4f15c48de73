import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TinyGraph, tinyOnnx } from './tiny-onnx.ts';

export interface TinyModel extends TinyGraph {
  readonly vocabulary: readonly string[];
  readonly architecture: string;
  readonly labels?: readonly string[];
  /** Tokens the tokenizer says the model takes. */
  readonly length?: number;
  /** True where [CLS] and [SEP] of the vocabulary stand around texts, as in BERT. */
  readonly marked?: boolean;
  /** More of config.json. */
  readonly config?: object;
}

/** Writes a model's folder in the Hugging Face layout: words are tokens, no special ones are added. */
export const writeTinyModel = (folder: string, model: TinyModel): string => {
  const { vocabulary, architecture, labels = [], length = 512, marked = false, config = {} } = model;
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
    ...config,
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
    post_processor: marked ? bertTemplate(vocabulary) : null,
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
    sep_token: marked ? '[SEP]' : '[UNK]',
    cls_token: marked ? '[CLS]' : '[UNK]',
  });
  const graph = tinyOnnx(model);
  for (const name of ['model.onnx', 'model_quantized.onnx']) writeFileSync(join(folder, 'onnx', name), graph);
  return folder;
};

const bertTemplate = (vocabulary: readonly string[]): object => {
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)];
  const tokens = (id: string) => ({ id, ids: [vocabulary.indexOf(id)], tokens: [id] });
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, sequence('B', 1), special('[SEP]', 1)],
    special_tokens: { '[CLS]': tokens('[CLS]'), '[SEP]': tokens('[SEP]') },
  };
};
