import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type EnrichedDocument, readEnriched } from '../../src/cli/enriched-file.ts';
import { embed, searchFile } from '../../src/cli/semantic-search.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = <T>(path: string) => JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
interface Expected {
  readonly entities: Record<string, { readonly text: string; readonly class: string; readonly late?: boolean }[]>;
  readonly queries: { readonly query: string; readonly article: string }[];
}

describe('the quickstart', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-quickstart-'));
  const out = join(folder, 'quickstart.ndjson');
  const documents = new Map<string, EnrichedDocument>();
  const expected = read<Expected>('samples/expected.json');
  let summary = '';

  before(async () => {
    const pipeline = readFileSync(join(root, 'pipelines/quickstart.yaml'), 'utf8').replace(
      'out/quickstart.ndjson',
      out,
    );
    writeFileSync(join(folder, 'quickstart.yaml'), pipeline);
    const { stderr } = await promisify(execFile)(
      process.execPath,
      ['bin/sluice.js', 'run', join(folder, 'quickstart.yaml'), '--search', 'who went to space'],
      { cwd: root },
    );
    summary = stderr;
    for await (const document of readEnriched(out)) documents.set(document.id!, document);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('writes a bulk body with every article', () => {
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    assert.equal(lines.length, 160);
    const articles = readFileSync(join(root, 'samples/articles.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; body: string });
    lines.forEach((line, index) => {
      const value = JSON.parse(line) as Record<string, { _index: string; _id: string }> & {
        body: string;
        ml: { ner: { model_id: string } };
      };
      const article = articles[index >> 1]!;
      if (index % 2 === 0) assert.deepEqual(value, { index: { _index: 'articles', _id: article.id } });
      else {
        assert.equal(value.body, article.body);
        assert.equal(value.ml.ner.model_id, 'enrich');
      }
    });
  });

  test('finds at least 70 % of the entities that a person found, those late in long texts too', () => {
    let wanted = 0;
    let found = 0;
    let late = 0;
    let lateFound = 0;
    const plain = (text: string) => text.toLowerCase().replace(/^[\p{P}\s]+|[\p{P}\s]+$/gu, '');
    for (const [id, entities] of Object.entries(expected.entities)) {
      assert.ok(entities.length >= 3, id);
      const names = new Set(
        documents.get(id)!.entities.map(({ entity, class_name }) => `${class_name} ${plain(entity)}`),
      );
      for (const entity of entities) {
        const hit = names.has(`${entity.class} ${plain(entity.text)}`) ? 1 : 0;
        wanted += 1;
        found += hit;
        if (entity.late !== true) continue;
        late += 1;
        lateFound += hit;
      }
    }
    assert.ok(late >= 9, `${late} late entities`);
    assert.ok(found / wanted >= 0.7, `${found} of ${wanted}`);
    assert.ok(lateFound / late >= 0.7, `${lateFound} of ${late} late ones`);
  });

  test('search finds the right article among the first three for nine of ten queries', async () => {
    assert.equal(expected.queries.length, 10);
    const vectors = await embed(
      'models/minilm-l6-enrich-en',
      expected.queries.map(({ query }) => query),
    );
    let right = 0;
    for (const [index, { article }] of expected.queries.entries()) {
      const hits = await searchFile(out, vectors[index]!, 3);
      if (hits.some(({ document }) => document.id === article)) right += 1;
    }
    assert.ok(right >= 9, `${right} of 10`);
  });

  test('ends with a summary that fits into 80 columns', () => {
    assert.match(summary, /80 documents in [\d.]+ s, [\d.]+ documents\/s, [\d,.]+ tokens\/s/);
    assert.match(summary, /people +\p{L}/u);
    assert.match(summary, /sluice search .* "who went to space"\n +1\. 0\.\d\d {2}Sixty years of people in space/);
    for (const line of summary.split('\n'))
      assert.ok([...line.replace(out, 'out/quickstart.ndjson')].length <= 80, line);
  });
});

test('no two sample articles share a sentence of more than six words', () => {
  const seen = new Map<string, string>();
  for (const line of readFileSync(join(root, 'samples/articles.ndjson'), 'utf8').trimEnd().split('\n')) {
    const { id, body } = JSON.parse(line) as { id: string; body: string };
    for (const sentence of body.split(/(?<=[.!?])\s+|\n+/)) {
      const words = sentence.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
      if (words.length <= 6) continue;
      const key = words.join(' ');
      assert.ok(!seen.has(key) || seen.get(key) === id, `${id} and ${seen.get(key)}: ${sentence}`);
      seen.set(key, id);
    }
  }
});
