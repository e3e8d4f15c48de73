import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { writeJson } from '../../src/core/json/write.ts';
import { PROCESSORS } from '../../src/processors/table.ts';
import { compile, execute } from '../ingest/run-pipeline.ts';

const others = { inner: { processors: [{ set: { field: 'inner', value: true } }] } };

const run = async (processors: unknown[], source: object) => {
  const { pipeline, problems } = compile({ processors }, others);
  assert.deepEqual(problems, []);
  const { document, result } = await execute(pipeline, source);
  return { result, after: JSON.parse(writeJson(document.source)) as object };
};

/** Processors that do something for any document. */
const NEVER_FAIL = ['append', 'drop', 'set'];

for (const [type, definition] of Object.entries(PROCESSORS)) {
  describe(type, () => {
    const { options, before, after } = definition.example as { options: object; before: object; after: object };
    const schema = z.toJSONSchema(definition.options, { unrepresentable: 'any', io: 'input' }) as {
      properties?: Record<string, { description?: string }>;
      required?: string[];
    };
    const own = Object.keys(schema.properties ?? {});

    test('is called by its type', () => assert.equal(definition.type, type));

    test('does what its example says', async () => {
      const { after: got, result } = await run([{ [type]: options }], before);
      if (type === 'drop') return assert.equal(result.outcome, 'dropped');
      if (type === 'fail') return assert.equal(result.outcome === 'failed' && result.failure.message, 'no id');
      assert.equal(result.outcome, 'done', result.outcome === 'failed' ? result.failure.message : '');
      assert.deepEqual(got, after);
    });

    test('has a summary, and describes every option', () => {
      assert.match(definition.summary, /^[A-Z].*\.$/);
      for (const [name, option] of Object.entries(schema.properties ?? {}))
        assert.ok(option.description, `[${name}] is not described`);
    });

    test('refuses an unknown option with its place, and names the nearest', () => {
      const wrong = own[0] === undefined ? 'descriptio' : `${own[0]}g`;
      const { problems } = compile({ processors: [{ [type]: { ...options, [wrong]: 1 } }] }, others);
      const [problem] = problems;
      assert.equal(problems.length, 1, JSON.stringify(problems));
      const text = `processor [${type}] doesn't support one or more provided configuration parameters [${wrong}] (did you mean [`;
      assert.ok(problem!.message.startsWith(text), problem!.message);
      assert.deepEqual(problem!.path, ['processors', 0, type, wrong]);
    });

    test('says which option is missing', () => {
      for (const name of schema.required ?? []) {
        const { [name as never]: _, ...rest } = options as Record<string, unknown>;
        const { problems } = compile({ processors: [{ [type]: rest }] }, others);
        assert.deepEqual(problems, [
          { path: ['processors', 0, type], message: `[${name}] required property is missing` },
        ]);
      }
    });

    test('takes what all processors take', () => {
      const shared = {
        tag: 't',
        description: 'd',
        if: 'true',
        ignore_failure: true,
        on_failure: [{ set: { field: 'x', value: 1 } }],
      };
      const { pipeline, problems } = compile({ processors: [{ [type]: { ...options, ...shared } }] }, others);
      assert.deepEqual(problems, []);
      const [step] = pipeline.steps;
      assert.deepEqual(
        [step?.type, step?.tag, step?.description, step?.ignoreFailure, step?.onFailure.length],
        [type, 't', 'd', true, 1],
      );
    });

    test('is guarded by its condition', async () => {
      const { after: got, result } = await run([{ [type]: { ...options, if: 'ctx.never == true', tag: 't' } }], before);
      assert.equal(result.outcome, 'done');
      assert.deepEqual(got, before);
    });

    if (NEVER_FAIL.includes(type)) return;
    const failing = type === 'pipeline' ? { name: 'absent' } : options;

    test('fails for a document without its field', async () => {
      const { result } = await run([{ [type]: { ...failing, tag: 't' } }], {});
      assert.ok(result.outcome === 'failed');
      const { processorType, processorTag, message } = result.failure;
      assert.deepEqual([processorType, processorTag], [type, 't']);
      assert.ok(message.length > 0);
    });

    test('may fail without harm', async () => {
      const { after: got, result } = await run([{ [type]: { ...failing, ignore_failure: true } }], {});
      assert.equal(result.outcome, 'done');
      assert.deepEqual(got, {});
    });

    test('hands its failure to on_failure', async () => {
      const value = '{{{_ingest.on_failure_processor_type}}} {{{_ingest.on_failure_processor_tag}}}';
      const handlers = [{ set: { field: 'e', value } }];
      const { after: got } = await run([{ [type]: { ...failing, tag: 't', on_failure: handlers } }], {});
      assert.deepEqual(got, { e: `${type} t` });
    });
  });
}
