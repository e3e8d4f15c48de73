import type { PathMistake } from '../config/explain.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import type { ModelSet } from '../inference/model-set.ts';
import type { StreamConfig } from './stream-config.ts';

/** Looks at every model that the file names; what is wrong with one is a mistake of its line. */
export const addModels = (
  models: ModelSet,
  config: StreamConfig,
  file: string,
  problem: (mistake: PathMistake) => void,
): void => {
  for (const [id, options] of Object.entries(config.models)) {
    try {
      if ('elasticsearch' in options)
        problem({ path: ['models', id], message: 'models in Elasticsearch are not supported yet' });
      else if (options.engine === 'transformers_js')
        problem({ path: ['models', id, 'engine'], message: 'transformers_js is not supported yet' });
      else models.addLocal(id, options, file);
    } catch (error) {
      const hint = error instanceof SluiceError && error.hint !== undefined ? `. ${error.hint}` : '';
      problem({ path: ['models', id], message: `${messageOf(error)}${hint}` });
    }
  }
};
