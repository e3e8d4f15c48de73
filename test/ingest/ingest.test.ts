import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { JsonValue } from '../../src/core/json/values.ts';
import { writeJson } from '../../src/core/json/write.ts';
import type { PipelineConfig } from '../../src/pipeline/compile.ts';
import { compile, execute } from './run-pipeline.ts';

interface Doc {
  /** A value, or JSON where digits and the order of keys matter. */
  readonly source: unknown;
  readonly metadata?: Record<string, JsonValue>;
  /** The document afterwards, or JSON that it must be to the letter. */
  readonly expect?: unknown;
  readonly expect_metadata?: Record<string, unknown>;
  readonly expect_ingest?: Record<string, unknown>;
  readonly error?: { readonly type: string; readonly reason: string };
  readonly dropped?: boolean;
}

interface Case {
  readonly name: string;
  readonly pipeline: PipelineConfig;
  readonly pipelines?: Record<string, PipelineConfig>;
  readonly docs: readonly Doc[];
}

const folder = fileURLToPath(new URL('.', import.meta.url));

for (const file of globSync('*.yml', { cwd: folder }).sort()) {
  describe(basename(file, '.yml'), () => {
    for (const { name, pipeline: config, pipelines, docs } of parse(readFileSync(folder + file, 'utf8')) as Case[]) {
      test(name, async () => {
        const { pipeline, problems } = compile(config, pipelines);
        assert.deepEqual(problems, []);
        for (const doc of docs) await check(doc, await execute(pipeline, doc.source, doc));
      });
    }
  });
}

const check = async (doc: Doc, { document, result }: Awaited<ReturnType<typeof execute>>): Promise<void> => {
  if (doc.dropped) return assert.equal(result.outcome, 'dropped');
  if (doc.error !== undefined) {
    assert.ok(result.outcome === 'failed', `${result.outcome}: ${writeJson(document.source)}`);
    assert.deepEqual({ type: result.failure.type, reason: result.failure.message }, doc.error);
  } else {
    assert.equal(result.outcome, 'done', result.outcome === 'failed' ? result.failure.message : '');
  }
  if (typeof doc.expect === 'string') assert.equal(writeJson(document.source), doc.expect);
  else if (doc.expect !== undefined) assert.deepEqual(JSON.parse(writeJson(document.source)), doc.expect);
  for (const [key, value] of Object.entries(doc.expect_metadata ?? {}))
    assert.deepEqual(document.metadata.get(key), value, key);
  for (const [key, value] of Object.entries(doc.expect_ingest ?? {}))
    assert.deepEqual(document.find(`_ingest.${key}`), value, key);
};
