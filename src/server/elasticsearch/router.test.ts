import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from './route.ts';
import { Router } from './router.ts';

const route = (method: Route['method'], path: string): Route => ({ method, path, query: [], handle: () => undefined });
const router = new Router([
  route('GET', '/_ml/trained_models'),
  route('GET', '/_ml/trained_models/_stats'),
  route('GET', '/_ml/trained_models/{model_id}'),
  route('GET', '/_ml/trained_models/{model_id}/_stats'),
  route('POST', '/_ml/trained_models/{model_id}/_infer'),
  route('POST', '/_bulk'),
  route('POST', '/{index}/_bulk'),
  route('PUT', '/{index}/_doc/{id}'),
]);
const found = (method: string, path: string) => {
  const match = router.find(method, path);
  return match === undefined || 'allow' in match ? match : [match.route.path, match.params];
};

test('a named segment comes before a parameter, and a parameter where it leads nowhere', () => {
  assert.deepEqual(found('GET', '/_ml/trained_models/_stats'), ['/_ml/trained_models/_stats', {}]);
  assert.deepEqual(found('GET', '/_ml/trained_models/m/_stats'), [
    '/_ml/trained_models/{model_id}/_stats',
    { model_id: 'm' },
  ]);
  assert.deepEqual(found('HEAD', '/_ml/trained_models/m'), ['/_ml/trained_models/{model_id}', { model_id: 'm' }]);
  assert.deepEqual(found('POST', '/logs/_bulk/'), ['/{index}/_bulk', { index: 'logs' }]);
  assert.deepEqual(found('PUT', '/a%2Fb/_doc/x%20y'), ['/{index}/_doc/{id}', { index: 'a/b', id: 'x y' }]);
});

test('another method is told which there are; another path is nobody’s', () => {
  assert.deepEqual(found('PUT', '/_bulk'), { allow: ['POST'] });
  assert.equal(found('POST', '/_security/_bulk'), undefined);
  assert.equal(found('GET', '/logs/_search'), undefined);
  assert.throws(() => router.find('GET', '/%E0%A4%A/_doc'), /not well-formed/);
});
