import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { DTYPES, type Dtype } from '../options.ts';

/** The usual names of a graph with these weights, without `.onnx`, the best first. */
const STEMS: Readonly<Record<Dtype, readonly string[]>> = {
  fp32: ['model'],
  fp16: ['model_fp16'],
  q8: ['model_quantized'],
  int8: ['model_int8', ...(process.arch === 'arm64' ? ['model_qint8_arm64'] : ['model_qint8_avx512_vnni'])],
  uint8: ['model_uint8', ...(process.arch === 'arm64' ? [] : ['model_quint8_avx2'])],
  q4: ['model_q4'],
  bnb4: ['model_bnb4'],
  q4f16: ['model_q4f16'],
};

/** What sluice runs well on processors, the smallest first. */
const AUTO: readonly Dtype[] = ['q8', 'int8', 'uint8', 'fp32', 'fp16', 'q4', 'q4f16', 'bnb4'];

export const QUANTIZED = ['auto', 'no', ...DTYPES] as const;
export type Quantized = (typeof QUANTIZED)[number];

export interface Weights {
  /** Path of the graph. */
  readonly graph: string;
  readonly dtype: string;
}

const FOLDERS = ['onnx/', ''];

/**
 * Chooses among a repository's graphs.
 * @param file a graph by its path, in place of a choice
 * @throws SluiceError where there is none, or not the one that was asked for
 */
export const chooseWeights = (
  files: readonly string[],
  { quantized, file }: { readonly quantized: Quantized; readonly file?: string | undefined },
  place: string,
): Weights => {
  const graphs = files.filter((name) => name.endsWith('.onnx'));
  if (graphs.length === 0)
    throw new SluiceError('SLUICE_MODEL_INVALID', 'there is no ONNX graph', {
      place,
      hint: 'Look for a repository of the same model with onnx/*.onnx, or convert it and take it in with `sluice models import`.',
    });
  if (file !== undefined) {
    if (graphs.includes(file)) return { graph: file, dtype: dtypeOf(file) };
    throw none(`[${file}] is not among the graphs${nearest(file, graphs)}`, graphs, place);
  }
  const wanted = quantized === 'auto' ? AUTO : quantized === 'no' ? (['fp32'] as const) : [quantized];
  // Weights for one kind of processor are taken where somebody asks for them only: elsewhere they lose precision.
  for (const dtype of wanted)
    for (const folder of FOLDERS)
      for (const stem of quantized === 'auto' ? STEMS[dtype].slice(0, 1) : STEMS[dtype]) {
        const graph = `${folder}${stem}.onnx`;
        if (graphs.includes(graph)) return { graph, dtype };
      }
  if (quantized === 'auto' && graphs.length === 1) return { graph: graphs[0]!, dtype: dtypeOf(graphs[0]!) };
  throw none(`there are no weights [${quantized}]`, graphs, place);
};

const none = (message: string, graphs: readonly string[], place: string): SluiceError =>
  new SluiceError('SLUICE_MODEL_INVALID', message, {
    place,
    hint: `There are [${graphs.slice(0, 20).join(', ')}]: --quantized chooses by kind, --file by name.`,
  });

const stemOf = (graph: string): string => graph.slice(graph.lastIndexOf('/') + 1, -'.onnx'.length);

const dtypeOf = (graph: string): string =>
  DTYPES.find((dtype) => STEMS[dtype].includes(stemOf(graph))) ??
  (stemOf(graph)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40) ||
    'graph');

const NEEDED = ['config.json', 'tokenizer.json'];
const BESIDE = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'modules.json',
  '1_Pooling/config.json',
  'sentence_bert_config.json',
  'config_sentence_transformers.json',
  'sluice.json',
  'README.md',
  'LICENSE',
  'LICENSE.md',
  'LICENSE.txt',
  'NOTICE',
];

/** Files of a repository that a graph needs, the small ones first. @throws SluiceError where one is missing */
export const filesFor = (files: readonly string[], graph: string, place: string): string[] => {
  const missing = NEEDED.filter((name) => !files.includes(name));
  if (missing.length > 0)
    throw new SluiceError('SLUICE_MODEL_MISSING', `there is no ${missing.join(' and no ')}`, {
      place,
      hint: 'sluice needs config.json and the tokenizer as tokenizer.json. Older repositories have only a vocabulary: load the tokenizer with transformers and save it again.',
    });
  // Weights above 2 GB lie beside their graph, in one file or several.
  const beside = files.filter((name) => name.startsWith(`${graph}_data`) || name === `${graph}.data`);
  return [...NEEDED, ...BESIDE.filter((name) => files.includes(name)), graph, ...beside];
};
