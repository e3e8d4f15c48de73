import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { InferenceConfig } from '../../core/inference.ts';
import { badRequest, Refusal } from '../../core/refusal.ts';
import type { Deployments } from '../../inference/deployments/deployments.ts';
import { inferTexts } from '../../inference/deployments/infer-texts.ts';
import { ALLOCATIONS_HEADER, PENDING_HEADER } from '../../inference/elasticsearch/api.ts';
import type { LangIdentEngine } from '../../inference/lang_ident/engine.ts';
import { LANG_IDENT } from '../../inference/lang_ident/protocol.ts';
import { errorAnswer, reasonOf } from './error-body.ts';
import { timeOf } from './names.ts';
import { ok, type Route, type RouteRequest } from './route.ts';

/** Texts of a request at most: what a queue takes that is as large as queues may be. */
const MOST_DOCS = 10_000;

const inferBody = z.strictObject({
  docs: z
    .array(z.record(z.string(), z.unknown()), { error: 'Validation Failed: 1: [docs] must not be null;' })
    .min(1, 'at least one document is required')
    .max(MOST_DOCS),
  inference_config: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});

export interface InferParts {
  readonly deployments: Deployments;
  /** Always there, as in Elasticsearch. */
  readonly language: LangIdentEngine;
}

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-ml-infer-trained-model */
export const inferRoutes = ({ deployments, language }: InferParts): Route[] => {
  const handle = async (request: RouteRequest) => {
    const parsed = inferBody.safeParse((await request.json()) ?? {});
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new Refusal(400, 'x_content_parse_exception', `${issue!.path.join('.')} ${issue!.message}`.trim());
    }
    const name = request.params.model_id!;
    const isLanguage = name === LANG_IDENT;
    const texts = parsed.data.docs.map((doc) => textOf(doc, isLanguage ? 'text' : 'text_field'));
    const config = parsed.data.inference_config as InferenceConfig | undefined;
    const asked = { texts, timeout: timeOf(request.query, 'timeout', 10_000), signal: request.signal };
    const outcomes = isLanguage
      ? await inferTexts({
          ...asked,
          model: await language.model(),
          task: languageTask(language, config),
          clock: systemClock,
        })
      : await deployments.infer(name, { ...asked, config });
    // The only text's failure is the request's; of several each has its own.
    const [only] = outcomes;
    if (outcomes.length === 1 && 'error' in only!) throw only.error;
    const inference_results = outcomes.map((outcome) =>
      'error' in outcome
        ? { error: reasonOf(outcome.error), ...(errorAnswer(outcome.error).status >= 500 && { is_internal: true }) }
        : outcome.fields,
    );
    return ok({ inference_results }, isLanguage ? {} : loadOf(deployments, name));
  };
  const route = (path: string): Route => ({ method: 'POST', path, query: ['timeout'], handle });
  return [
    route('/_ml/trained_models/{model_id}/_infer'),
    // As it was called before 8.3; clients of that time still do.
    route('/_ml/trained_models/{model_id}/deployment/_infer'),
  ];
};

/** @throws Refusal 400 */
const languageTask = (language: LangIdentEngine, config: InferenceConfig | undefined) => {
  try {
    return language.task(config);
  } catch (error) {
    throw badRequest(messageOf(error));
  }
};

/** What other workers choose a node by. */
const loadOf = (deployments: Deployments, name: string): Record<string, string> => {
  const stats = deployments.pick(name).running?.deployment.stats;
  if (stats === undefined) return {};
  return { [PENDING_HEADER]: String(stats.queued + stats.running), [ALLOCATIONS_HEADER]: String(stats.allocations) };
};

/** The field that a model reads, or the only one that there is. */
const textOf = (doc: Readonly<Record<string, unknown>>, field: string): string => {
  const value = Object.hasOwn(doc, field)
    ? doc[field]
    : Object.values(doc).length === 1
      ? Object.values(doc)[0]
      : undefined;
  if (typeof value === 'string') return value;
  throw new Refusal(
    400,
    'status_exception',
    value === undefined
      ? `Input field [${field}] does not exist in the source document`
      : `Input value for field [${field}] must be a string`,
  );
};
