import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filterPath } from './filter-path.ts';

const body = {
  took: 3,
  errors: true,
  items: [
    { index: { _id: '1', status: 200 } },
    { create: { _id: '2', status: 400, error: { type: 't', reason: 'r' } } },
  ],
  nodes: { a: { name: 'x', os: { name: 'linux' } } },
};

test('filter_path keeps what its patterns lead to', () => {
  assert.deepEqual(filterPath(body, ['took']), { took: 3 });
  assert.deepEqual(filterPath(body, ['items.*.error']), { items: [{ create: { error: { type: 't', reason: 'r' } } }] });
  assert.deepEqual(filterPath(body, ['items.*._id', 'errors']), {
    errors: true,
    items: [{ index: { _id: '1' } }, { create: { _id: '2' } }],
  });
  assert.deepEqual(filterPath(body, ['nodes.**.name']), { nodes: { a: { name: 'x', os: { name: 'linux' } } } });
  assert.deepEqual(filterPath(body, ['t*k']), { took: 3 });
  assert.deepEqual(filterPath(body, ['nothing']), {});
});

test('a minus takes away what a pattern leads to', () => {
  assert.deepEqual(filterPath(body, ['-items', '-nodes']), { took: 3, errors: true });
  assert.deepEqual(filterPath(body, ['items', '-items.*.error']), {
    items: [{ index: { _id: '1', status: 200 } }, { create: { _id: '2', status: 400 } }],
  });
});
