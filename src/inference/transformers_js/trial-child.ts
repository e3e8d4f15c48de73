import { messageOf } from '../../core/errors.ts';
import { readTransformersConfig } from './config.ts';
import { loadPipeline } from './load-pipeline.ts';
import type { TransformersSettings } from './protocol.ts';
import { runTask } from './run-task.ts';

// Loads a model and runs one text. Exit status 3: the model is not usable, and standard output says why.
const settings = JSON.parse(process.argv[2] ?? '') as TransformersSettings;
const { log } = console;
// The library prints the text's tensors when something fails.
console.log = console.warn = console.error = () => {};
try {
  const pipeline = await loadPipeline(settings);
  const config =
    settings.task === 'zero_shot_classification' ? { [settings.task]: { labels: ['science'] } } : undefined;
  const text =
    settings.task === 'fill_mask' ? `Paris is in ${pipeline.tokenizer.mask_token}.` : 'Marie Curie worked in Paris.';
  await runTask(settings.task, pipeline, text, readTransformersConfig(config, settings.task));
  await pipeline.dispose();
} catch (error) {
  log(messageOf(error));
  process.exitCode = 3;
}
