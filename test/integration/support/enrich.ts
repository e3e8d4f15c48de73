import { fileURLToPath } from 'node:url';

/** Folder of the model that comes with sluice. */
export const MODEL = fileURLToPath(new URL('../../../models/minilm-l6-enrich-en', import.meta.url));

/** `models` of a pipeline whose steps are `infer`'s. */
export const models = { enrich: { path: MODEL } };

/** An inference step over `body` with that model. */
export const infer = (target: string, config: object) => ({
  inference: { model_id: 'enrich', target_field: target, field_map: { body: 'text_field' }, inference_config: config },
});
