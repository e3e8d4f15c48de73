import { availableParallelism } from 'node:os';
import type { PathMistake } from '../config/explain.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf, SluiceError } from '../core/errors.ts';
import { ElasticsearchEngine } from '../inference/elasticsearch/engine.ts';
import { LangIdentEngine } from '../inference/lang_ident/engine.ts';
import { LANG_IDENT } from '../inference/lang_ident/protocol.ts';
import type { ModelLog } from '../inference/load-local.ts';
import { locateModel, type ModelSet } from '../inference/model-set.ts';
import {
  type ElasticsearchModelOptions,
  type LocalModelOptions,
  longTextOf,
  type ModelOptions,
  TASK_TYPES,
} from '../inference/options.ts';
import { fromStore, type PipelineModel } from '../inference/store/pipeline-model.ts';
import { TransformersEngine } from '../inference/transformers_js/engine.ts';
import type { StreamConfig } from './stream-config.ts';

/** Looks at every model that the file names; what is wrong with one is a mistake of its line. */
export const addModels = (
  models: ModelSet,
  config: StreamConfig,
  file: string,
  log: ModelLog,
  problem: (mistake: PathMistake) => void,
): void => {
  // Always there, as in Elasticsearch; loaded where a processor names it.
  if (config.models[LANG_IDENT] === undefined && names(config, LANG_IDENT))
    models.addEngine(LANG_IDENT, new LangIdentEngine(log));
  for (const [id, options] of Object.entries(config.models)) {
    try {
      const lanes = lanesOf(options);
      if (lanes !== undefined) {
        models.addEngine(id, new ElasticsearchEngine({ lanes, clock: systemClock, random: Math.random, log }));
        continue;
      }
      const own = fromStore(options as LocalModelOptions);
      if (own.options.engine === 'transformers_js') addTransformers(models, id, own, file, log, problem);
      else models.addLocal(id, own.options, file);
    } catch (error) {
      const hint = error instanceof SluiceError && error.hint !== undefined ? `. ${error.hint}` : '';
      problem({ path: ['models', id], message: `${messageOf(error)}${hint}` });
    }
  }
};

const names = ({ processors, on_failure, pipelines }: StreamConfig, model: string): boolean =>
  JSON.stringify([processors, on_failure, pipelines]).includes(`"model_id":"${model}"`);

/** The ways to a model that runs elsewhere: a cluster is one, each node of sluice is one. */
const lanesOf = (options: ModelOptions): readonly ElasticsearchModelOptions['elasticsearch'][] | undefined => {
  if ('elasticsearch' in options) return [options.elasticsearch];
  if ('sluice' in options) return [options.sluice.nodes].flat().map((nodes) => ({ ...options.sluice, nodes }));
  return undefined;
};

const addTransformers = (
  models: ModelSet,
  id: string,
  { options, defaults }: PipelineModel,
  file: string,
  log: ModelLog,
  problem: (mistake: PathMistake) => void,
): void => {
  const task = TASK_TYPES.find((type) => type === options.task_type);
  if (task === undefined)
    return problem({
      path: ['models', id],
      message: `transformers_js needs task_type, one of [${TASK_TYPES.join(', ')}]`,
    });
  if (options.semantic_text !== undefined)
    return problem({ path: ['models', id, 'semantic_text'], message: 'transformers_js makes no vectors' });
  if (longTextOf(options) !== 'truncate')
    return problem({ path: ['models', id, 'long_text'], message: 'transformers_js only knows long_text: truncate' });
  const folder = locateModel(options, file);
  const allocations = options.number_of_allocations ?? availableParallelism();
  models.addEngine(id, new TransformersEngine({ id, folder, task, options, allocations, defaults, log }));
};
