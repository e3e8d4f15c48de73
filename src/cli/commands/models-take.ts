import { Hub } from '../../connections/model_files/hub.ts';
import { hubSettings, PATIENCE } from '../../connections/model_files/settings.ts';
import { SluiceError } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import type { ModelTask } from '../../inference/manifest-schema.ts';
import { importFolder } from '../../inference/store/import-folder.ts';
import type { TakeIn } from '../../inference/store/install.ts';
import { showReference } from '../../inference/store/names.ts';
import { type Pulled, pullFromHub } from '../../inference/store/pull-hub.ts';
import { pullFromUrl } from '../../inference/store/pull-url.ts';
import { shownBytes } from '../../inference/store/shown-bytes.ts';
import { ModelStore } from '../../inference/store/store.ts';
import { sizeOf } from '../../inference/store/verify.ts';
import type { Quantized } from '../../inference/store/weights.ts';
import { downloadProgress } from '../download-progress.ts';
import { modelJson, tasksOf } from '../model-description.ts';

export interface TakeOptions {
  readonly json?: boolean;
  readonly id?: string;
  readonly alias?: string[];
  readonly quantized?: Quantized;
  readonly file?: string;
  readonly taskType?: ModelTask;
  readonly inferenceConfig?: InferenceConfig;
  readonly force?: boolean;
  /** False for --no-test. */
  readonly test?: boolean;
}

export interface PullCommandOptions extends TakeOptions {
  readonly offline?: boolean;
  readonly maxSize?: number;
}

const MAX_SIZE = 8 * 1000 ** 3;

/** `sluice models pull`: from the hub, or from a web server that has a sluice.json. */
export const modelsPull = async (name: string, options: PullCommandOptions): Promise<number> => {
  const { json, offline: askNobody = false, maxSize = MAX_SIZE, quantized = 'auto', file } = options;
  const settings = hubSettings();
  const offline = askNobody || settings.offline;
  const fetching = {
    ...takeIn(options),
    quantized,
    file,
    token: settings.token,
    patience: PATIENCE,
    max_size: maxSize,
    progress: downloadProgress(json !== true && process.stderr.isTTY === true),
  };
  const store = new ModelStore();
  if (!/^https?:\/\//i.test(name))
    return told(await pullFromHub(store, new Hub({ ...settings, offline }), name, fetching), json);
  if (quantized !== 'auto' || file !== undefined)
    throw new SluiceError('SLUICE_USAGE', 'the sluice.json at an address says which graph it is', {
      hint: 'Leave --quantized and --file out.',
    });
  return told(await pullFromUrl(store, name, offline, fetching), json);
};

/** `sluice models import`: a folder of this machine. */
export const modelsImport = async (folder: string, options: TakeOptions): Promise<number> => {
  const { quantized = 'auto', file, json } = options;
  return told(await importFolder(new ModelStore(), folder, { ...takeIn(options), quantized, file }), json);
};

const takeIn = ({ id, alias, inferenceConfig, taskType, test = true, force = false }: TakeOptions): TakeIn => ({
  id,
  aliases: alias,
  inference_config: inferenceConfig,
  task: taskType,
  trial: test,
  force,
});

const told = ({ model, already }: Pulled, json: boolean | undefined): number => {
  if (json === true) {
    console.log(JSON.stringify({ ...modelJson(model), already }));
    return 0;
  }
  console.log(`${showReference(model)} ${already ? 'is there already' : 'is in the store'}`);
  console.log(`  ${tasksOf(model)}, ${shownBytes(sizeOf(model))}, licence ${model.manifest?.license ?? 'not said'}`);
  console.log(`  in a pipeline file: models: { NAME: { model_id: ${model.aliases[0] ?? model.id} } }`);
  return 0;
};
