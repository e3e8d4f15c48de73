import type { PathMistake } from '../config/explain.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { ElasticsearchEngine } from '../inference/elasticsearch/engine.ts';
import type { ModelSet, ModelSetLog } from '../inference/model-set.ts';
import type { StreamConfig } from './stream-config.ts';

/** Looks at every model that the file names; what is wrong with one is a mistake of its line. */
export const addModels = (
  models: ModelSet,
  config: StreamConfig,
  file: string,
  log: ModelSetLog,
  problem: (mistake: PathMistake) => void,
): void => {
  for (const [id, options] of Object.entries(config.models)) {
    try {
      if ('elasticsearch' in options) {
        models.addRemote(
          id,
          new ElasticsearchEngine({ options: options.elasticsearch, clock: systemClock, random: Math.random, log }),
        );
      } else if (options.engine === 'transformers_js')
        problem({ path: ['models', id, 'engine'], message: 'transformers_js is not supported yet' });
      else models.addLocal(id, options, file);
    } catch (error) {
      const hint = error instanceof SluiceError && error.hint !== undefined ? `. ${error.hint}` : '';
      problem({ path: ['models', id], message: `${messageOf(error)}${hint}` });
    }
  }
};
