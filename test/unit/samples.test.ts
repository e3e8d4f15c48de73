import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tokenizer } from '../../src/inference/tokenizer.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the bundled model reads at once; a text with more pieces needs windows. */
const MODEL_TOKENS = 512;

interface Article {
  readonly id: string;
  readonly title: string;
  readonly published_at: string;
  readonly category: string;
  readonly body: string;
}
interface Expected {
  readonly entities: Record<string, { readonly text: string; readonly class: string; readonly late?: boolean }[]>;
  readonly queries: { readonly query: string; readonly article: string }[];
}

const articles = readFileSync(join(root, 'samples/articles.ndjson'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Article);
const expected = JSON.parse(readFileSync(join(root, 'samples/expected.json'), 'utf8')) as Expected;
const ids = articles.map(({ id }) => id);

describe('the sample articles', () => {
  test('are 80, each with an id of its own, a title, a time, a category and a body', () => {
    assert.equal(articles.length, 80);
    assert.equal(new Set(ids).size, 80);
    for (const article of articles) {
      assert.deepEqual(Object.keys(article), ['id', 'title', 'published_at', 'category', 'body']);
      for (const [field, value] of Object.entries(article)) {
        assert.ok(typeof value === 'string' && value.trim() !== '', `${article.id}: ${field}`);
        assert.ok(value.isWellFormed(), `${article.id}: ${field} has half a character`);
      }
      assert.match(article.id, /^[a-z0-9-]+$/);
      assert.match(article.published_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)$/);
      assert.ok(Number.isFinite(Date.parse(article.published_at)), article.id);
    }
  });

  test('are from 60 to 2,000 words long', () => {
    for (const { id, body } of articles) {
      const words = body.trim().split(/\s+/).length;
      assert.ok(words >= 60 && words <= 2000, `${id}: ${words} words`);
    }
  });

  for (const [what, pattern] of [
    ['emoji', /\p{Extended_Pictographic}/u],
    ['accents', /[à-öø-ÿ]/i],
    ['curly quotation marks', /[“”‘’„«»]/],
    ['straight quotation marks', /"/],
    ['lists', /^(?:[-*•–]|\d+[.)]) .*\n+(?:[-*•–]|\d+[.)]) /m],
    ['paragraphs', /\n\n/],
  ] as const)
    test(`have ${what} among them`, () => {
      assert.ok(articles.some(({ body }) => pattern.test(body)));
    });
});

describe('what is expected of the sample articles', () => {
  let tokenizer: Tokenizer;
  before(async () => {
    tokenizer = await Tokenizer.ofModel(join(root, 'models/minilm-l6-enrich-en'));
  });

  test('are entities of every article, at least three, which stand in its body', () => {
    assert.deepEqual(Object.keys(expected.entities).sort(), [...ids].sort());
    for (const { id, body } of articles) {
      const entities = expected.entities[id]!;
      assert.ok(entities.length >= 3, id);
      assert.equal(new Set(entities.map(({ text }) => text)).size, entities.length, `${id} names one twice`);
      for (const entity of entities) {
        assert.ok(['PER', 'ORG', 'LOC', 'MISC'].includes(entity.class), `${id}: ${entity.class}`);
        assert.ok(body.includes(entity.text), `${id}: ${entity.text}`);
      }
    }
  });

  test('are entities that stand only beyond the 512th token, in every text that is longer', async () => {
    let long = 0;
    for (const { id, body } of articles) {
      const { starts } = await tokenizer.encode(body);
      const entities = expected.entities[id]!;
      // Where the first token that does not fit stands; nothing is late in a text that fits.
      const end = starts[MODEL_TOKENS] ?? body.length;
      for (const { text, late } of entities)
        if (late === true) assert.ok(body.indexOf(text) >= end, `${id}: ${text} is no late one`);
      if (starts.length <= MODEL_TOKENS) continue;
      long += 1;
      assert.ok(
        entities.some(({ late }) => late === true),
        `${id} has no late entity`,
      );
    }
    assert.ok(long >= 3, `${long} long texts`);
  });

  test('are ten queries, each for an article that there is, and none in the words of its title', () => {
    assert.equal(expected.queries.length, 10);
    assert.equal(new Set(expected.queries.map(({ article }) => article)).size, 10);
    for (const { query, article } of expected.queries) {
      const found = articles.find(({ id }) => id === article);
      assert.ok(found, article);
      assert.ok(!found.title.toLowerCase().includes(query.toLowerCase()), query);
    }
  });
});
