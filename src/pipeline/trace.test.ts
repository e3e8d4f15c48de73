import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, execute } from '../../test/ingest/run-pipeline.ts';
import { processorResult } from './simulate.ts';
import { tracedPipeline } from './trace.ts';

const run = async (pipeline: object, source: object) => {
  const told: { processor_type: string; status: string; tag?: string; doc?: { _source: object } }[] = [];
  const { pipeline: compiled } = compile(pipeline as never);
  const { document, result } = await execute(
    tracedPipeline(compiled, (trace, traced) => told.push(processorResult(trace, traced) as never)),
    source as never,
  );
  return { told: told.map(({ processor_type, status }) => `${processor_type} ${status}`), all: told, document, result };
};

test('every processor is told of once, in the order they had their turn', async () => {
  const { told, all, document } = await run(
    {
      processors: [
        { set: { field: 'a', value: 1, tag: 'first' } },
        { rename: { field: 'missing', target_field: 'x', ignore_failure: true } },
        { lowercase: { field: 'missing', on_failure: [{ set: { field: 'mended', value: true } }] } },
        { set: { if: 'ctx.a == 2', field: 'b', value: 1 } },
        { foreach: { field: 'list', processor: { uppercase: { field: '_ingest._value' } } } },
      ],
    },
    { list: ['x', 'y'] },
  );
  assert.deepEqual(told, [
    'set success',
    'rename error_ignored',
    'lowercase error',
    'set success',
    'set skipped',
    'foreach success',
  ]);
  assert.equal(all[0]!.tag, 'first');
  assert.deepEqual(all[0]!.doc!._source, { list: ['x', 'y'], a: 1 }, 'as it was then');
  assert.deepEqual(document.source, { list: ['X', 'Y'], a: 1, mended: true });
});

test('a foreach that fails is told of, and what its pipeline does about it', async () => {
  const { told, result } = await run(
    {
      processors: [{ foreach: { field: 'list', processor: { uppercase: { field: '_ingest._value' } } } }],
      on_failure: [{ set: { field: 'failed', value: '{{{_ingest.on_failure_processor_type}}}' } }],
    },
    { list: ['x', 1] },
  );
  assert.deepEqual(told, ['foreach error', 'set success']);
  assert.equal(result.outcome, 'done');
});
