import { messageOf } from '../../core/errors.ts';
import type { LocalTask, ModelFiles } from '../manifest.ts';
import { Tokenizer } from '../tokenizer.ts';
import { truncatedWindow } from '../windows.ts';
import { OnnxSession } from './session.ts';

// Loads a model and runs one text. Exit status 3: the model is not usable, and standard output says why.
const files = JSON.parse(process.argv[2] ?? '') as ModelFiles;
try {
  const tokenizer = await Tokenizer.ofModel(files.folder);
  const session = await OnnxSession.load(files, tokenizer, 1);
  const { windows } = await truncatedWindow(
    tokenizer,
    'Marie Curie worked in Paris.',
    files.manifest.max_sequence_length,
  );
  const [result] = await session.run(windows, new Set(Object.keys(files.manifest.tasks) as LocalTask[]));
  const labels = files.manifest.labels?.length;
  const pieces = windows[0]!.pieces.ids.length;
  if (result?.logits !== undefined && labels !== undefined && result.logits.length !== pieces * labels) {
    throw new Error(
      `the graph gives ${result.logits.length / pieces} logits a token, and the model's labels are ${labels}`,
    );
  }
  const dims = files.manifest.tasks.text_embedding?.dims;
  if (result?.vector !== undefined && result.vector.length !== dims)
    throw new Error(`the graph gives vectors of ${result.vector.length} numbers, and the model's files say ${dims}`);
  if (result?.vector?.some((value) => !Number.isFinite(value)))
    throw new Error('the model answered with numbers that are not finite');
  await session.close();
} catch (error) {
  console.log(messageOf(error));
  process.exitCode = 3;
}
