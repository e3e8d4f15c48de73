import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compile, execute, testModel } from '../../test/ingest/run-pipeline.ts';
import { IngestDocument } from '../core/document.ts';
import type { InferenceClient } from '../core/inference.ts';
import { type ExecutionResult, PipelineExecution } from './execution.ts';

const infer = (target: string, extra: object = {}) => ({
  inference: { model_id: 'm', target_field: target, field_map: { t: 'text_field' }, ...extra },
});
const set = (field: string, value: unknown = true) => ({ set: { field, value } });

describe('steps that wait', () => {
  const config = {
    processors: [
      set('a'),
      infer('r'),
      { foreach: { field: 'l', processor: infer('_ingest._value.r', { on_failure: [infer('again')] }) } },
      set('b', '{{{r.predicted_value}}}'),
    ],
  };
  const source = { t: 'Rome', l: [{}, {}] };

  for (const answered of ['at once', 'later'] as const) {
    test(`go on from an answer that comes ${answered}`, async () => {
      const { pipeline } = compile(config, {}, testModel(answered));
      const { document, result } = await execute(pipeline, source);
      assert.equal(result.outcome, 'done');
      assert.equal(document.get('b'), '[Rome](LOC&Rome)');
      assert.equal(document.get('l.1.r.predicted_value'), '[Rome](LOC&Rome)');
    });
  }

  test('do not run what stands behind them before the answer', () => {
    const answers: (() => void)[] = [];
    const model: InferenceClient = {
      bind: () => ({ infer: (_document, _text, done) => answers.push(() => done(undefined, { predicted_value: 1 })) }),
    };
    const { pipeline } = compile({ processors: [infer('r'), set('after')] }, {}, model);
    const document = new IngestDocument({ source: { t: 'x' } });
    const results: ExecutionResult[] = [];
    const execution = new PipelineExecution(document, pipeline, { finished: (result) => results.push(result) });
    execution.run();
    assert.equal(document.has('after'), false);
    assert.deepEqual(results, []);
    answers[0]!();
    assert.equal(document.get('after'), true);
    // A second answer of a model that is beside itself changes nothing.
    answers[0]!();
    assert.deepEqual(results, [{ outcome: 'done' }]);
  });

  test('are started by defer and gone on with by resume', () => {
    const started: (() => void)[] = [];
    const resumed: (() => void)[] = [];
    const { pipeline } = compile({ processors: [infer('r'), set('after')] }, {}, testModel('at once'));
    const document = new IngestDocument({ source: { t: 'x' } });
    const results: ExecutionResult[] = [];
    new PipelineExecution(document, pipeline, {
      finished: (result) => results.push(result),
      defer: (start) => started.push(start),
      resume: (go) => resumed.push(go),
    }).run();
    assert.equal(document.has('r'), false);
    started[0]!();
    assert.equal(document.has('r'), true);
    assert.equal(document.has('after'), false);
    resumed[0]!();
    assert.equal(document.get('after'), true);
    assert.deepEqual(results, [{ outcome: 'done' }]);
  });

  test('fail with what their start throws, deferred or not', async () => {
    const config = { processors: [infer('r', { on_failure: [set('e', '{{{_ingest.on_failure_message}}}')] })] };
    for (const hooks of [{}, { defer: (start: () => void) => setImmediate(start) }]) {
      const { pipeline } = compile(config);
      const { document } = await execute(pipeline, {}, { hooks });
      assert.equal(document.get('e'), 'Input field [text_field] does not exist in the source document');
    }
  });
});

describe('a long run', () => {
  test('lets others have their turn in a long run, and goes on where it was', () => {
    const { pipeline } = compile({ processors: [{ foreach: { field: 'l', processor: set('_ingest._value') } }] }, {});
    const document = new IngestDocument({ source: { l: Array.from({ length: 1000 }, () => 0) } });
    const results: ExecutionResult[] = [];
    const waiting: (() => void)[] = [];
    new PipelineExecution(document, pipeline, {
      finished: (result) => results.push(result),
      resume: (go) => void waiting.push(go),
      pausing: () => true,
    }).run();
    let turns = 0;
    for (; waiting.length > 0; turns += 1) waiting.shift()!();
    assert.ok(turns > 20 && turns < 100, `${turns} turns`);
    assert.deepEqual(results, [{ outcome: 'done' }]);
    assert.deepEqual(new Set(document.get('l') as boolean[]), new Set([true]));
  });
});

describe('nesting', () => {
  test('does not use the call stack: ten thousand elements, answered at once or later', async () => {
    const source = { t: 'x', l: Array.from({ length: 10_000 }, (_, index) => ({ index })) };
    for (const answered of ['at once', 'later'] as const) {
      const { pipeline } = compile(
        {
          processors: [
            {
              foreach: {
                field: 'l',
                processor: infer('_ingest._value.r', { inference_config: { text_embedding: {} } }),
              },
            },
          ],
        },
        {},
        testModel(answered),
      );
      const { document, result } = await execute(pipeline, source);
      assert.equal(result.outcome, 'done');
      assert.equal(document.get('l.9999.r.predicted_value.0'), 1);
    }
  });

  test('of pipelines ends at a hundred', async () => {
    const chain = (length: number) =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [
          `p${index}`,
          {
            processors: [
              index === length - 1 ? set('deepest', '{{{_ingest.pipeline}}}') : { pipeline: { name: `p${index + 1}` } },
            ],
          },
        ]),
      );
    const config = { processors: [{ pipeline: { name: 'p0' } }] };
    const inside = await execute(compile(config, chain(99)).pipeline, {});
    assert.equal(inside.document.get('deepest'), 'p98');
    const beyond = await execute(compile(config, chain(100)).pipeline, {});
    assert.ok(beyond.result.outcome === 'failed');
    assert.equal(beyond.result.failure.type, 'graph_structure_exception');
    assert.equal(
      beyond.result.failure.message,
      'Too many nested pipelines. Cannot have more than 100 nested pipelines',
    );
    assert.equal(beyond.result.failure.pipelines.length, 100);
  });

  test('of on_failure in on_failure works at any depth', async () => {
    let processor: object = set('deepest', '{{{_ingest.on_failure_message}}}');
    for (let depth = 0; depth < 200; depth += 1)
      processor = { fail: { message: `m${depth}`, on_failure: [processor] } };
    const { document, result } = await execute(compile({ processors: [processor, set('after')] }).pipeline, {});
    assert.equal(result.outcome, 'done');
    assert.equal(document.get('deepest'), 'm0');
    assert.equal(document.get('after'), true);
  });
});

describe('_ingest', () => {
  test('is as it was behind a failure, and shows the running pipeline', async () => {
    const { document } = await execute(
      compile({ processors: [{ fail: { message: 'm', on_failure: [set('a')] } }] }).pipeline,
      {},
    );
    assert.deepEqual(document.ingest, { timestamp: '1970-01-01T00:00:00.000Z', pipeline: 'main' });
  });

  test('the element of an outer foreach is back behind an inner one', async () => {
    const { document } = await execute(
      compile(
        {
          processors: [
            { foreach: { field: 'l', processor: { pipeline: { name: 'inner' } } } },
            set('value', '[{{{_ingest._value}}}]'),
          ],
        },
        {
          inner: {
            processors: [
              {
                foreach: {
                  field: 'm',
                  processor: { append: { field: 'seen', value: '{{{_ingest._value}}}' } },
                  ignore_failure: true,
                },
              },
              { foreach: { field: 'm', processor: { fail: { message: 'x' } }, ignore_failure: true } },
              { append: { field: 'seen', value: '{{{_ingest._value}}}' } },
            ],
          },
        },
      ).pipeline,
      { l: ['a', 'b'], m: [1] },
    );
    assert.deepEqual(document.get('seen'), ['1', 'a', '1', 'b']);
    assert.equal(document.get('value'), '[]');
  });
});
