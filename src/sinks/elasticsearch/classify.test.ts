import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ElasticsearchError } from '../../connections/elasticsearch/client.ts';
import { type BulkItem, classifyItem, classifyRequest, type SentAction } from './classify.ts';

const own: SentAction = { action: 'index', ownId: true, externalVersion: false };
const missingPipeline: BulkItem = {
  status: 400,
  error: { type: 'illegal_argument_exception', reason: 'pipeline with id [x] does not exist' },
};
const failed = (status: number, type: string): BulkItem => ({ status, error: { type, reason: 'because' } });

/** The tables of docs/reference/bulk-errors.md. */
describe('an item of a bulk answer', () => {
  const rows: [string, BulkItem, SentAction, string][] = [
    ['created', { status: 201 }, own, 'delivered'],
    ['deleted', { status: 200 }, { ...own, action: 'delete' }, 'delivered'],
    ['nothing to delete', { status: 404 }, { ...own, action: 'delete' }, 'delivered'],
    ['there already', failed(409, 'version_conflict_engine_exception'), { ...own, action: 'create' }, 'duplicate'],
    [
      "there already under the user's id",
      failed(409, 'version_conflict_engine_exception'),
      { ...own, action: 'create', ownId: false },
      'document',
    ],
    [
      'a newer version is there',
      failed(409, 'version_conflict_engine_exception'),
      { ...own, ownId: false, externalVersion: true },
      'duplicate',
    ],
    [
      'an update that met another',
      failed(409, 'version_conflict_engine_exception'),
      { ...own, action: 'update', ownId: false },
      'retry',
    ],
    ['rejected', failed(429, 'es_rejected_execution_exception'), own, 'retry'],
    ['a circuit breaker', failed(429, 'circuit_breaking_exception'), own, 'retry'],
    ['no shard', failed(503, 'unavailable_shards_exception'), own, 'retry'],
    ['a server error', failed(500, 'illegal_state_exception'), own, 'retry'],
    ['not allowed', failed(403, 'security_exception'), own, 'destination'],
    ['unknown', failed(401, 'security_exception'), own, 'destination'],
    ['a blocked index', failed(403, 'cluster_block_exception'), own, 'destination'],
    ['a full disk', failed(429, 'cluster_block_exception'), own, 'destination'],
    ['no such index', failed(404, 'index_not_found_exception'), own, 'destination'],
    ['a closed index', failed(400, 'index_closed_exception'), own, 'destination'],
    ['a mapping conflict', failed(400, 'document_parsing_exception'), own, 'document'],
    ['an illegal argument', failed(400, 'illegal_argument_exception'), own, 'document'],
    ['a pipeline that is not there', missingPipeline, own, 'destination'],
    ['a pipeline that refuses the document', failed(500, 'fail_processor_exception'), own, 'document'],
    ['a strict mapping', failed(400, 'strict_dynamic_mapping_exception'), own, 'document'],
    [
      'an update of nothing',
      failed(404, 'document_missing_exception'),
      { ...own, action: 'update', ownId: false },
      'document',
    ],
  ];
  for (const [name, item, sent, wanted] of rows) {
    test(`${name}: ${wanted}`, () => {
      const result = classifyItem(item, sent);
      assert.equal(result.outcome === 'delivered' && result.duplicate === true ? 'duplicate' : result.outcome, wanted);
    });
  }
});

describe('a request that failed as a whole', () => {
  const rows: [string, unknown, string][] = [
    ['connection lost', new Error('socket hang up'), 'retry'],
    ['too many requests', new ElasticsearchError(429, 'es_rejected_execution_exception', 'x'), 'retry'],
    ['bad gateway', new ElasticsearchError(502, 'http_error', 'x'), 'retry'],
    ['too large', new ElasticsearchError(413, 'http_error', 'x'), 'split'],
    ['one unreadable document', new ElasticsearchError(400, 'parse_exception', 'x'), 'split'],
    [
      'a pipeline that is not there',
      new ElasticsearchError(400, 'illegal_argument_exception', 'pipeline with id [x] does not exist'),
      'destination',
    ],
    ['not allowed', new ElasticsearchError(403, 'security_exception', 'x'), 'destination'],
    ['unknown', new ElasticsearchError(401, 'security_exception', 'x'), 'destination'],
  ];
  for (const [name, error, kind] of rows)
    test(`${name}: ${kind}`, () => assert.equal(classifyRequest(error).kind, kind));
});
