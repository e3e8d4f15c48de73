import { z } from 'zod';
import { Refusal } from '../../core/refusal.ts';
import { processorResult, simulatedResult } from '../../pipeline/simulate.ts';
import { tracedPipeline } from '../../pipeline/trace.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterPipelines } from './cluster-pipelines.ts';
import { ingestDocument } from './ingest-document.ts';
import type { IngestPipelines } from './ingest-pipelines.ts';
import { booleanOf } from './names.ts';
import { relay } from './relay.ts';
import { ok, type Route, type RouteRequest } from './route.ts';
import { runDocuments } from './run-documents.ts';

const simulated = z.strictObject({
  pipeline: z.record(z.string(), z.unknown()).optional(),
  docs: z
    .array(
      z.strictObject({
        _index: z.string().default('_index'),
        _id: z.string().default('_id'),
        _routing: z.union([z.string(), z.number()]).optional(),
        _version: z.union([z.string(), z.number()]).optional(),
        _source: z.record(z.string(), z.unknown()),
      }),
    )
    .min(1, 'must specify at least one document in [docs]')
    .max(1000),
});

/** https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-ingest-simulate */
export const simulateRoutes = (
  pipelines: IngestPipelines,
  cluster: Cluster | undefined,
  elsewhere: ClusterPipelines | undefined,
): Route[] => {
  const handle = async (request: RouteRequest) => {
    const { id } = request.params;
    const held = id === undefined ? undefined : pipelines.get(id);
    if (id !== undefined && held === undefined) {
      if (cluster !== undefined) return undefined;
      throw new Refusal(400, 'illegal_argument_exception', `pipeline [${id}] does not exist`);
    }
    const parsed = simulated.safeParse((await request.json()) ?? {});
    if (!parsed.success) {
      const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue];
      throw new Refusal(400, 'parse_exception', `[${path.join('.')}] ${message}`);
    }
    const { docs, pipeline: given } = parsed.data;
    if (held === undefined && given === undefined)
      throw new Refusal(400, 'parse_exception', '[pipeline] required property is missing');
    if (held === undefined && cluster !== undefined && (await elsewhere!.reason(given, request)) !== undefined)
      return relay(cluster, request);
    const pipeline = held ?? pipelines.compile('_simulate_pipeline', given);
    const runs = docs.map(({ _source, ...meta }) => ({
      // As it would be read from the request of a document, numbers and all.
      document: ingestDocument(Buffer.from(JSON.stringify(_source)), {
        ...meta,
        routing: meta._routing,
        version: meta._version,
      }),
      pipeline,
    }));
    if (!booleanOf(request.query, 'verbose', false)) {
      const results = await runDocuments(runs, request.signal);
      return ok({ docs: results.map((result, at) => simulatedResult(runs[at]!.document, result)) });
    }
    const told = runs.map((): object[] => []);
    const traced = runs.map(({ document }, at) => {
      const compiled = tracedPipeline(pipeline.compiled, (trace) => told[at]!.push(processorResult(trace, document)));
      return { document, pipeline: { ...pipeline, compiled } };
    });
    await runDocuments(traced, request.signal);
    return ok({ docs: told.map((processor_results) => ({ processor_results })) });
  };
  return ['/_ingest/pipeline/_simulate', '/_ingest/pipeline/{id}/_simulate'].flatMap((path): Route[] =>
    (['POST', 'GET'] as const).map((method) => ({ method, path, query: ['verbose'], handle })),
  );
};
