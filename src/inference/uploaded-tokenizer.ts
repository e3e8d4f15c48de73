import { z } from 'zod';
import { Refusal } from '../core/refusal.ts';

/** `PUT _ml/trained_models/ID/vocabulary`. */
export const vocabularyBody = z.strictObject({
  vocabulary: z.array(z.string()).min(1, '[vocabulary] must not be empty').max(1_000_000),
  merges: z.array(z.string()).max(1_000_000).optional(),
  scores: z.array(z.number()).max(1_000_000).optional(),
});
export type Vocabulary = z.output<typeof vocabularyBody>;

/** `tokenization` of an uploaded model, as far as it makes a tokenizer. */
const options = z.looseObject({
  do_lower_case: z.boolean().default(false),
  with_special_tokens: z.boolean().default(true),
  max_sequence_length: z.number().int().min(3).max(100_000).default(512),
  add_prefix_space: z.boolean().default(false),
});
type Options = z.output<typeof options>;

export const TOKENIZERS = ['bert', 'mpnet', 'roberta', 'xlm_roberta', 'deberta_v2'] as const;
export type TokenizerName = (typeof TOKENIZERS)[number];

/** Special tokens: of the beginning, between and behind texts, unknown, padding, mask. */
interface Special {
  readonly begin: string;
  readonly end: string;
  readonly unknown: string;
  readonly padding: string;
  readonly mask: string;
  /** How often the end stands between two texts. */
  readonly between: 1 | 2;
}
const BERT: Special = { begin: '[CLS]', end: '[SEP]', unknown: '[UNK]', padding: '[PAD]', mask: '[MASK]', between: 1 };
const ROBERTA: Special = { begin: '<s>', end: '</s>', unknown: '<unk>', padding: '<pad>', mask: '<mask>', between: 2 };
const SPECIAL: Readonly<Record<TokenizerName, Special>> = {
  bert: BERT,
  deberta_v2: BERT,
  mpnet: { ...ROBERTA, unknown: '[UNK]' },
  roberta: ROBERTA,
  xlm_roberta: ROBERTA,
};

export interface UploadedTokenizer {
  /** Content of tokenizer.json. */
  readonly tokenizer: object;
  readonly mask: string;
  readonly maxSequenceLength: number;
}

/**
 * The tokenizer that Elasticsearch makes of a vocabulary, in the form of Hugging Face's.
 * @throws Refusal 400 where the vocabulary does not fit the tokenization
 */
export const uploadedTokenizer = (
  name: TokenizerName,
  given: unknown,
  { vocabulary, merges, scores }: Vocabulary,
): UploadedTokenizer => {
  const parsed = options.safeParse(given ?? {});
  if (!parsed.success) throw refuse(`tokenization: ${parsed.error.issues[0]!.message}`);
  const special = SPECIAL[name];
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  if (ids.size !== vocabulary.length)
    throw refuse(`[vocabulary] has duplicate tokens: ${vocabulary.length - ids.size} of them`);
  if (scores !== undefined && scores.length > 0 && scores.length !== vocabulary.length)
    throw refuse(`[scores] must have same length as [vocabulary]; got [${scores.length}] and [${vocabulary.length}]`);
  for (const token of [special.begin, special.end, special.unknown])
    if (!ids.has(token)) throw refuse(`stored vocabulary is missing required [${token}] token`);
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(special, ids),
      ...BUILD[name]({ vocabulary, merges: merges ?? [], scores: scores ?? [], ids, special, options: parsed.data }),
      post_processor: parsed.data.with_special_tokens ? template(special, ids, name) : null,
    },
    mask: special.mask,
    maxSequenceLength: parsed.data.max_sequence_length,
  };
};

const refuse = (reason: string): Refusal => new Refusal(400, 'status_exception', reason);

interface Parts {
  readonly vocabulary: readonly string[];
  readonly merges: readonly string[];
  readonly scores: readonly number[];
  readonly ids: ReadonlyMap<string, number>;
  readonly special: Special;
  readonly options: Options;
}

const wordPiece = ({ ids, special, options: { do_lower_case } }: Parts): object => ({
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: do_lower_case,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: special.unknown,
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(ids),
  },
});

const byteBpe = ({ ids, merges, special, options: { add_prefix_space } }: Parts): object => {
  if (merges.length === 0) throw refuse('cannot load roberta tokenizer without [merges]');
  return {
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space, trim_offsets: true, use_regex: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: special.unknown,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      vocab: Object.fromEntries(ids),
      merges: merges.map((merge) => merge.split(' ')),
    },
  };
};

const unigram = ({ vocabulary, scores, special }: Parts): object => {
  if (scores.length === 0) throw refuse('a unigram tokenizer needs [scores] beside the [vocabulary]');
  return {
    normalizer: { type: 'NFKC' },
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    decoder: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
    model: {
      type: 'Unigram',
      unk_id: vocabulary.indexOf(special.unknown),
      vocab: vocabulary.map((token, at) => [token, scores[at]!]),
      byte_fallback: false,
    },
  };
};

const BUILD: Readonly<Record<TokenizerName, (parts: Parts) => object>> = {
  bert: wordPiece,
  mpnet: wordPiece,
  roberta: byteBpe,
  xlm_roberta: unigram,
  deberta_v2: unigram,
};

const addedTokens = ({ begin, end, unknown, padding, mask }: Special, ids: ReadonlyMap<string, number>): object[] =>
  [begin, end, unknown, padding, mask].flatMap((content) => {
    const id = ids.get(content);
    if (id === undefined) return [];
    const strips = content === mask && content === '<mask>';
    return [{ id, content, single_word: false, lstrip: strips, rstrip: false, normalized: false, special: true }];
  });

const template = ({ begin, end, between }: Special, ids: ReadonlyMap<string, number>, name: TokenizerName): object => {
  // Segments are told apart by models of BERT's family only.
  const second = name === 'bert' || name === 'deberta_v2' ? 1 : 0;
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const tokens = (id: string) => [id, { id, ids: [ids.get(id)!], tokens: [id] }];
  const single = [special(begin, 0), text('A', 0), special(end, 0)];
  return {
    type: 'TemplateProcessing',
    single,
    pair: [...single, ...(between === 2 ? [special(end, 0)] : []), text('B', second), special(end, second)],
    special_tokens: Object.fromEntries([tokens(begin), tokens(end)]),
  };
};
