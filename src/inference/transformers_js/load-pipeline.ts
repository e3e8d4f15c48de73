import { basename, dirname } from 'node:path';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { TASKS, type TransformersSettings } from './protocol.ts';
import type { TaskPipeline } from './run-task.ts';

/**
 * Loads the library, and a model's folder with it: never anything from a hub.
 * @throws SluiceError SLUICE_MODEL_INVALID
 */
export const loadPipeline = async ({ folder, task, dtype }: TransformersSettings): Promise<TaskPipeline> => {
  const { env, pipeline } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = dirname(folder);
  try {
    return (await pipeline(TASKS[task], basename(folder), { dtype: (dtype ?? 'q8') as 'q8' })) as TaskPipeline;
  } catch (error) {
    throw new SluiceError('SLUICE_MODEL_INVALID', `transformers.js cannot load the model: ${messageOf(error)}`, {
      place: folder,
      cause: error,
    });
  }
};
