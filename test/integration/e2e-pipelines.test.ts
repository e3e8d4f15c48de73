import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import avsc from 'avsc';
import { allHits } from './support/elasticsearch.ts';
import { createTopic, produce } from './support/kafka.ts';
import { brokers, elasticsearchUrl, uniqueName, until } from './support/servers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** As a checkout, but what the pipelines write does not end up in it. */
const folder = mkdtempSync(join(tmpdir(), 'sluice-pipelines-'));
for (const name of ['models', 'pipelines', 'samples', 'schemas']) symlinkSync(join(root, name), join(folder, name));
after(() => rmSync(folder, { recursive: true }));

interface Enriched {
  readonly title: string;
  readonly ingested_at?: string;
  readonly ml: {
    readonly ner: { readonly entities: readonly { readonly entity: string }[] };
    /** A vector for each passage of a text. */
    readonly body: { readonly predicted_value: readonly { readonly embedding: readonly number[] }[] };
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  readonly stderr: () => string;
}

const run = (file: string): Running => {
  const child = spawn(process.execPath, [join(root, 'bin/sluice.js'), 'run', `pipelines/${file}`], {
    cwd: folder,
    env: { ...process.env, KAFKA_BROKERS: brokers(), ES_URL: elasticsearchUrl() },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { child, ended: new Promise((resolve) => child.once('close', resolve)), stderr: () => stderr };
};

const PEOPLE = ['Angela Merkel', 'Nelson Mandela', 'Marie Curie'];
/** Ids that no other run has used: the index and the topic have the names that the file gives them. */
const articles = () => {
  const prefix = uniqueName('article');
  return PEOPLE.map((person, n) => ({
    id: `${prefix}-${n}`,
    title: ` Title ${n} `,
    published_at: 1_700_000_000_000 + n * 1000,
    category: n === 0 ? null : 'news',
    body: `${person} spoke in Paris yesterday.`,
  }));
};

/** Runs a pipeline from a topic to an index until the articles are there. */
const throughKafka = async (
  file: string,
  { topic, deadLetters, index }: { topic: string; deadLetters: string; index: string },
  encode: (article: ReturnType<typeof articles>[number]) => Buffer,
): Promise<Enriched[]> => {
  for (const name of [topic, deadLetters]) await createTopic('', 1, name);
  const sent = articles();
  await produce(
    topic,
    sent.map((article) => ({ value: encode(article) })),
  );
  const { child, ended, stderr } = run(file);
  try {
    const found = await until(
      'the articles are in the index',
      async () => {
        assert.equal(child.exitCode, null, stderr());
        if (!stderr().includes('stream started')) return undefined;
        const hits = await allHits(elasticsearchUrl(), index).catch(() => []);
        const mine = sent.flatMap(({ id }) => hits.filter(({ _id }) => _id === id));
        return mine.length === sent.length ? mine : undefined;
      },
      { seconds: 60 },
    );
    child.kill('SIGTERM');
    assert.equal(await ended, 0, stderr());
    const documents = found.map(({ _source }) => _source as unknown as Enriched);
    documents.forEach(({ ml }, n) => {
      assert.ok(ml.ner.entities.some(({ entity }) => entity === PEOPLE[n]));
      assert.deepEqual(
        ml.body.predicted_value.map(({ embedding }) => embedding.length),
        [384],
      );
    });
    return documents;
  } finally {
    child.kill('SIGKILL');
  }
};

const PIPELINES: Readonly<Record<string, (file: string) => Promise<void>>> = {
  'news.yaml': async (file) => {
    const documents = await throughKafka(
      file,
      { topic: 'news.raw', deadLetters: 'news.dead-letter', index: 'news' },
      (article) => Buffer.from(JSON.stringify(article)),
    );
    documents.forEach(({ title, ingested_at }, n) => {
      assert.equal(title, `Title ${n}`);
      assert.ok(Number.isFinite(Date.parse(ingested_at!)));
    });
  },
  'articles-avro.yaml': async (file) => {
    const schema = JSON.parse(readFileSync(join(root, 'schemas/article.avsc'), 'utf8')) as avsc.Schema;
    const type = avsc.Type.forSchema(schema);
    await throughKafka(
      file,
      { topic: 'articles.avro', deadLetters: 'articles.dead-letter', index: 'articles' },
      (article) => type.toBuffer(article),
    );
  },
  'clean-up.yaml': async (file) => {
    const { ended, stderr } = run(file);
    assert.equal(await ended, 0, stderr());
    const read = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, string>);
    const found = read(gunzipSync(readFileSync(join(folder, 'out/clean-up.ndjson.gz'))).toString());
    const kept = read(readFileSync(join(root, 'samples/articles.ndjson'), 'utf8')).filter(
      ({ category }) => category !== 'travel',
    );
    assert.deepEqual(
      found.map(({ id, section, body, '@timestamp': time }) => ({ id, section, body, time: Date.parse(time!) })),
      kept.map(({ id, category, body, published_at }) => ({
        id,
        section: category!.toUpperCase(),
        body: body!.replace(/\s+/g, ' '),
        time: Date.parse(published_at!),
      })),
    );
    assert.equal(readFileSync(join(folder, 'out/clean-up.dead-letter.ndjson'), 'utf8'), '');
  },
};

test('every pipeline file has a test', () => {
  // The quickstart needs no servers and has one of its own.
  assert.deepEqual(readdirSync(join(root, 'pipelines')).sort(), [...Object.keys(PIPELINES), 'quickstart.yaml'].sort());
});

for (const [file, play] of Object.entries(PIPELINES))
  test(`pipelines/${file} does what it says, run as it is`, { timeout: 120_000 }, () => play(file));
