import type { z } from 'zod';
import { Refusal } from '../../core/refusal.ts';
import { checkName } from '../../inference/store/names.ts';
import type { ModelStore } from '../../inference/store/store.ts';
import { vocabularyBody } from '../../inference/uploaded-tokenizer.ts';
import { parseBody } from './parse-body.ts';
import { ok, type Route, type RouteRequest } from './route.ts';
import { definitionPart, Uploads, uploadConfig } from './uploads.ts';

const parsedBody = async <T>(schema: z.ZodType<T>, request: RouteRequest): Promise<T> => {
  const raw = await request.json();
  if (raw === undefined) throw new Refusal(400, 'parse_exception', 'request body is required');
  return parseBody(schema, raw);
};

/** Models that come in parts: configuration, definition, vocabulary. */
export const uploadRoutes = ({ store }: { readonly store: ModelStore }): Route[] => {
  const uploads = new Uploads(store);
  const put = (path: string, query: readonly string[], handle: Route['handle']): Route => ({
    method: 'PUT',
    path: `/_ml/trained_models/{model_id}${path}`,
    query,
    handle: (request) => {
      checkName(request.params.model_id!, 'the id of a model');
      return handle(request);
    },
  });
  return [
    put('', ['defer_definition_decompression', 'wait_for_completion'], async (request) => {
      const config = await parsedBody(uploadConfig, request);
      await uploads.begin(request.params.model_id!, config);
      return ok({ model_id: request.params.model_id, fully_defined: false, ...config });
    }),
    put('/definition/{part}', [], async (request) => {
      const number = /^\d{1,5}$/.test(request.params.part!) ? Number(request.params.part) : undefined;
      if (number === undefined)
        throw new Refusal(
          400,
          'illegal_argument_exception',
          `Failed to parse int parameter [part] with value [${request.params.part}]`,
        );
      await uploads.part(request.params.model_id!, number, await parsedBody(definitionPart, request));
      return ok({ acknowledged: true });
    }),
    put('/vocabulary', [], async (request) => {
      await uploads.vocabulary(request.params.model_id!, await parsedBody(vocabularyBody, request));
      return ok({ acknowledged: true });
    }),
  ];
};
