import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { systemClock } from '../../src/core/clock.ts';
import { IngestDocument } from '../../src/core/document.ts';
import { readJson } from '../../src/core/json/read.ts';
import { getKey, type JsonObject } from '../../src/core/json/values.ts';
import { writeJson } from '../../src/core/json/write.ts';
import { compilePipeline, type Problem } from '../../src/pipeline/compile.ts';
import type { CompiledPipeline } from '../../src/pipeline/definition.ts';
import { type ExecutionResult, PipelineExecution } from '../../src/pipeline/execution.ts';
import { PROCESSORS } from '../../src/processors/table.ts';

/** Says what the example of `inference` says, later. */
const inference = {
  bind: () => ({
    infer: (_: IngestDocument, text: string, done: (error: undefined, result: object) => void) =>
      setImmediate(() =>
        done(undefined, { predicted_value: `[${text}](LOC&${text})`, entities: [{ entity: text, class_name: 'LOC' }] }),
      ),
  }),
};

const compile = (processors: unknown[], on_failure?: unknown[]) => {
  const problems: Problem[] = [];
  const named = new Map<string, CompiledPipeline>();
  const context = {
    table: PROCESSORS,
    clock: systemClock,
    inference: inference as never,
    pipeline: (name: string) => named.get(name),
    problem: (problem: Problem) => problems.push(problem),
  };
  named.set('inner', compilePipeline('inner', { processors: [{ set: { field: 'inner', value: true } }] }, [], context));
  return { pipeline: compilePipeline('main', { processors, on_failure }, [], context), problems };
};

const execute = async (pipeline: CompiledPipeline, source: object) => {
  const document = new IngestDocument({ source: readJson(Buffer.from(JSON.stringify(source))).value as JsonObject });
  const result = await new Promise<ExecutionResult>((resolve) =>
    new PipelineExecution(document, pipeline, { finished: resolve }).run(),
  );
  return { document, result };
};

const run = async (processors: unknown[], source: object, on_failure?: unknown[]) => {
  const { pipeline, problems } = compile(processors, on_failure);
  assert.deepEqual(problems, []);
  return execute(pipeline, source);
};

for (const [type, definition] of Object.entries(PROCESSORS)) {
  describe(type, () => {
    const { options, before, after } = definition.example as { options: object; before: object; after: object };
    const own = Object.keys((definition.options as unknown as { shape?: object }).shape ?? {});

    test('does what its example says', async () => {
      const { document, result } = await run([{ [type]: options }], before);
      if (type === 'drop') return assert.equal(result.outcome, 'dropped');
      if (type === 'fail') return assert.equal(result.outcome === 'failed' && result.failure.message, 'no id');
      assert.equal(result.outcome, 'done', result.outcome === 'failed' ? result.failure.message : '');
      const got = JSON.parse(writeJson(document.source)) as object;
      assert.deepEqual(got, after);
    });

    test('has a summary, and describes every option', () => {
      assert.match(definition.summary, /^[A-Z].*\.$/);
      const schema = z.toJSONSchema(definition.options, { unrepresentable: 'any', io: 'input' }) as {
        properties?: Record<string, { description?: string }>;
      };
      for (const [name, option] of Object.entries(schema.properties ?? {}))
        assert.ok(option.description, `[${name}] is not described`);
    });

    test('refuses an unknown option with its place, and names the nearest', () => {
      const { problems } = compile([
        { [type]: { ...options, [`${own[0] ?? 'descriptio'}${own[0] === undefined ? '' : 'g'}`]: 1 } },
      ]);
      assert.equal(problems.length, 1, JSON.stringify(problems));
      assert.match(
        problems[0]!.message,
        new RegExp(
          `^processor \\[${type}\\] doesn't support one or more provided configuration parameters \\[.+\\] \\(did you mean`,
        ),
      );
      assert.deepEqual(problems[0]!.path.slice(0, 3), ['processors', 0, type]);
    });

    test('is guarded by its condition', async () => {
      const { document, result } = await run([{ [type]: { ...options, if: 'ctx.never == true', tag: 't' } }], before);
      assert.equal(result.outcome, 'done');
      assert.deepEqual(JSON.parse(writeJson(document.source)), before);
    });
  });
}

describe('required options', () => {
  for (const [type, field] of [
    ['set', 'field'],
    ['rename', 'target_field'],
    ['convert', 'type'],
    ['gsub', 'pattern'],
    ['date', 'formats'],
    ['inference', 'model_id'],
    ['foreach', 'processor'],
  ] as const) {
    test(`${type} says that [${field}] is missing`, () => {
      const { [field]: _, ...rest } = PROCESSORS[type]!.example.options as Record<string, unknown>;
      const { problems } = compile([{ [type]: rest }]);
      assert.ok(
        problems.some(({ message }) => message === `[${field}] required property is missing`),
        JSON.stringify(problems),
      );
    });
  }
});

describe('failures', () => {
  const failing = (extra: object = {}) => ({ rename: { field: 'absent', target_field: 'x', tag: 'moving', ...extra } });

  test('end the document; inside a foreach they are its own, as in Elasticsearch', async () => {
    const { result } = await run(
      [
        {
          foreach: {
            field: 'list',
            processor: { rename: { field: '_ingest._value.a', target_field: '_ingest._value.b', tag: 'inner' } },
          },
        },
      ],
      { list: [{ a: 1 }, {}] },
    );
    assert.ok(result.outcome === 'failed');
    assert.deepEqual(
      [result.failure.type, result.failure.message, result.failure.processorType, result.failure.processorTag],
      ['illegal_argument_exception', "field [_ingest._value.a] doesn't exist", 'foreach', undefined],
    );
  });

  test('are ignored where they may be', async () => {
    const { document } = await run([failing({ ignore_failure: true }), { set: { field: 'b', value: 2 } }], {});
    assert.equal(document.get('b'), 2);
  });

  test('run on_failure with the metadata, and go on behind it', async () => {
    const handler = {
      set: {
        field: 'error',
        value:
          '{{{_ingest.on_failure_message}}}|{{{_ingest.on_failure_processor_type}}}|{{{_ingest.on_failure_processor_tag}}}',
      },
    };
    const { document } = await run(
      [failing({ on_failure: [handler] }), { set: { field: 'after', value: '{{{_ingest.on_failure_message}}}.' } }],
      {},
    );
    assert.equal(document.get('error'), "field [absent] doesn't exist|rename|moving");
    assert.equal(document.get('after'), '.');
  });

  test("go to the pipeline's on_failure and end it there", async () => {
    const { document, result } = await run([failing(), { set: { field: 'after', value: 1 } }], {}, [
      { set: { field: 'handled', value: true } },
    ]);
    assert.equal(result.outcome, 'done');
    assert.deepEqual(JSON.parse(writeJson(document.source)), { handled: true });
  });

  test('of on_failure itself go one level up', async () => {
    const { document } = await run([failing({ on_failure: [{ fail: { message: 'again' } }] })], {}, [
      { set: { field: 'got', value: '{{{_ingest.on_failure_message}}}' } },
    ]);
    assert.equal(document.get('got'), 'again');
  });

  test("of a condition are not covered by the processor's own handlers", async () => {
    const { result } = await run(
      [{ set: { field: 'x', value: 1, if: 'ctx.a.b == 1', ignore_failure: true, on_failure: [{ drop: {} }] } }],
      {},
    );
    assert.ok(result.outcome === 'failed');
    assert.equal(result.failure.type, 'script_exception');
  });

  test('inside a called pipeline carry its name', async () => {
    const { result } = await run([{ pipeline: { name: 'outer{{{n}}}' } }], { n: 1 });
    assert.ok(result.outcome === 'failed');
    assert.equal(result.failure.message, 'Pipeline processor configured for non-existent pipeline [outer1]');
  });
});

describe('loops', () => {
  test('over ten thousand elements do not overflow the stack, inference included', async () => {
    const list = Array.from({ length: 10_000 }, (_, index) => ({ t: `n${index}` }));
    const { document, result } = await run(
      [{ foreach: { field: 'list', processor: { set: { field: '_ingest._value.done', value: true } } } }],
      { list },
    );
    assert.equal(result.outcome, 'done');
    assert.equal(document.get('list.9999.done'), true);
    const inferred = await run(
      [
        {
          foreach: {
            field: 'list',
            processor: {
              inference: {
                model_id: 'm',
                target_field: '_ingest._value.ml',
                field_map: { '_ingest._value.t': 'text_field' },
              },
            },
          },
        },
      ],
      { list: list.slice(0, 50) },
    );
    assert.equal(inferred.document.get('list.49.ml.predicted_value'), '[n49](LOC&n49)');
  });

  test('over an object may rename its keys', async () => {
    const { document } = await run([{ foreach: { field: 'o', processor: { uppercase: { field: '_ingest._key' } } } }], {
      o: { a: 1, b: 2 },
    });
    assert.deepEqual(getKey(document.source, 'o'), { A: 1, B: 2 });
  });

  test('end with a drop inside', async () => {
    const { result } = await run(
      [{ foreach: { field: 'l', processor: { drop: { if: 'ctx._ingest._value == 2' } } } }],
      { l: [1, 2] },
    );
    assert.equal(result.outcome, 'dropped');
  });
});
