import type { ElasticsearchConnection } from '../../connections/elasticsearch/client.ts';
import type { Clock } from '../../core/clock.ts';
import type { Sink } from '../../core/contracts.ts';
import type { JsonObject } from '../../core/json/values.ts';
import { differences } from '../dry_run/difference.ts';
import { countUp, type DryRunReport, type Effect } from '../dry_run/report.ts';
import { type ActionTemplates, type BulkAction, bulkAction } from './action.ts';
import { classifyRequest } from './classify.ts';

export interface ElasticsearchDryRunParts {
  readonly templates: ActionTemplates;
  readonly connection: ElasticsearchConnection;
  readonly clock: Clock;
  readonly report: DryRunReport;
}

/** One document of an `_mget` answer. */
interface Found {
  readonly found?: boolean;
  readonly _version?: number;
  readonly _source?: unknown;
  readonly error?: { readonly type?: string };
}

/** Asks what is there instead of writing. The cluster's own ingest pipelines are not asked what they would make of it. */
export const elasticsearchDryRun = ({
  templates,
  connection,
  clock,
  report,
}: ElasticsearchDryRunParts): Sink<BulkAction> => ({
  type: 'elasticsearch',
  destination: connection.place,
  limits: { max_documents: 500, max_bytes: 8 * 1024 * 1024, max_age_ms: 200, max_in_flight: 1 },
  open: () => connection.ready(clock),
  prepare: (document, record) => bulkAction(document, record, templates),
  write: async (actions, signal) => {
    for (const { action } of actions) countUp(report.actions, action);
    const asked = actions.slice(0, Math.max(0, report.compare - report.compared));
    if (asked.length > 0) {
      const there = await documentsOf(connection, asked, signal);
      report.compared += asked.length;
      asked.forEach((action, at) => {
        countUp(report.effects, effectOf(action, there[at] ?? {}, report));
      });
    }
    return actions.map(() => ({ outcome: 'delivered' }) as const);
  },
  close: () => connection.close(),
});

const documentsOf = async (
  connection: ElasticsearchConnection,
  actions: readonly BulkAction[],
  signal: AbortSignal,
) => {
  const docs = actions.map(
    ({ index, id, routing }): JsonObject => ({ _index: index, _id: id, ...(routing !== undefined && { routing }) }),
  );
  try {
    const { body } = await connection.request({ method: 'POST', path: '/_mget', body: { docs }, signal });
    return (body as { docs?: readonly Found[] }).docs ?? [];
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw classifyRequest(error);
  }
};

const effectOf = (sent: BulkAction, there: Found, report: DryRunReport): Effect => {
  const { action, line, id, index } = sent;
  // An index that is still to be created has nothing in it.
  const isThere = there.found === true;
  if (!isThere && there.error !== undefined && there.error.type !== 'index_not_found_exception') return 'unknown';
  if (action === 'delete') return isThere ? 'deleted' : 'missing';
  if (!isThere) return action === 'update' && !String(line).includes('"doc_as_upsert":true}') ? 'missing' : 'new';
  if (action === 'create' || isOlder(sent, there)) return 'kept';
  const text = typeof line === 'string' ? line : Buffer.from(line!).toString('utf8');
  const document = JSON.parse(text) as { doc?: unknown };
  const found = differences(there._source, action === 'update' ? document.doc : document, action === 'update');
  if (found.length === 0) return 'same';
  for (const { path } of found) countUp(report.fields, path);
  if (report.shown.length < report.show)
    report.shown.push(
      `${index}/${id}: ${found.map(({ path, before, after }) => `${path}: ${brief(before)} → ${brief(after)}`).join('; ')}`,
    );
  return 'changed';
};

const isOlder = ({ externalVersion, head, action }: BulkAction, { _version }: Found): boolean => {
  if (!externalVersion || _version === undefined) return false;
  const { version, version_type } = (JSON.parse(head) as Record<string, { version: number; version_type: string }>)[
    action
  ]!;
  return version_type === 'external_gte' ? version < _version : version <= _version;
};

const brief = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};
