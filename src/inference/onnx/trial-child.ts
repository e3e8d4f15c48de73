import { messageOf } from '../../core/errors.ts';
import type { ModelFiles } from '../manifest.ts';
import type { LocalTask } from '../manifest-schema.ts';
import { pairWindows } from '../pair-windows.ts';
import { taskOf } from '../tasks/table.ts';
import { sizeOfVector } from '../tasks/text-embedding.ts';
import { Tokenizer } from '../tokenizer.ts';
import { truncatedWindow } from '../windows.ts';
import type { ExecutionProvider } from './provider.ts';
import { sequenceOf } from './sequence.ts';
import { OnnxSession } from './session.ts';

const TEXT = 'Marie Curie worked in Paris.';
/** What tasks are asked that do nothing without it. */
const ASKED: Partial<Record<LocalTask, object>> = {
  zero_shot_classification: { labels: ['science'] },
  question_answering: { question: 'Where did she work?' },
  text_similarity: { text: 'Who worked in Paris?' },
};

// Loads a model and runs one text through each of its tasks. Exit status 3: the model is not usable, and standard output
// says why.
const { provider, ...files } = JSON.parse(process.argv[2] ?? '') as ModelFiles & {
  readonly provider?: ExecutionProvider;
};
const { manifest } = files;

const tryTask = async (task: LocalTask, tokenizer: Tokenizer, session: OnnxSession): Promise<void> => {
  const definition = taskOf(task);
  const graph = manifest.tasks[task] as { readonly mask_token?: string };
  const text = task === 'fill_mask' ? `Paris is in ${graph.mask_token}.` : TEXT;
  const asked: unknown = definition.read(definition.options.parse(ASKED[task] ?? {}), manifest);
  const maxTokens = manifest.max_sequence_length;
  const pair = definition.pairs?.(text, asked)[0];
  const { windows } =
    pair === undefined
      ? await truncatedWindow(tokenizer, text, maxTokens)
      : await pairWindows(tokenizer, pair, { maxTokens, truncate: 'balanced', span: -1 });
  const [window] = windows;
  const sequence = sequenceOf(window!, tokenizer);
  const [rows] = await session.run([sequence], definition.outputs(graph));
  const part = { text, window: window!, offset: sequence.offset, ids: sequence.ids, rows: rows! };
  const value: unknown = definition.part(part, graph, asked, { manifest, tokenizer });
  const result: unknown = await definition.whole([value], graph, asked, { manifest, tokenizer });
  if (task === 'text_embedding') checkVector(result as readonly ArrayLike<number>[]);
};

const checkVector = ([vector]: readonly ArrayLike<number>[]): void => {
  const wanted = manifest.tasks.text_embedding!;
  const size = sizeOfVector(wanted);
  if (vector!.length !== (wanted.element_type === 'bit' ? Math.ceil(size / 8) : size))
    throw new Error(`the graph gives vectors of ${vector!.length} numbers, and the model's files say ${size}`);
};

try {
  const tokenizer = await Tokenizer.ofModel(files.folder);
  const session = await OnnxSession.load(files, 1, provider);
  for (const task of Object.keys(manifest.tasks) as LocalTask[]) await tryTask(task, tokenizer, session);
  await session.close();
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 3;
}
