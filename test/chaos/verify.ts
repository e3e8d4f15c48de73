import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { checkAgainstLimit, type Enriched } from '../../bench/check.ts';
import type { Sent } from './producer.ts';
import { call, DEAD_TOPIC, INDEX } from './setting.ts';

// A program of its own, which knows the producer's log and the servers, and nothing of the engine: every document is
// read back and compared with what has to have become of it.

const { values } = parseArgs({
  options: { log: { type: 'string' }, brokers: { type: 'string' }, cluster: { type: 'string' } },
});
const { log = '', brokers = '', cluster = '' } = values;
const { Kafka, logLevel } = kafkajs;
const TOLD = 10;

interface Expected {
  /** Latest version by id. */
  readonly articles: Map<string, Extract<Sent, { id: string }>>;
  readonly events: Map<number, Extract<Sent, { n: number }>>;
  readonly dead: { readonly articles: Set<string>; readonly events: Set<string> };
}

const readLog = async (): Promise<Expected> => {
  const expected: Expected = {
    articles: new Map(),
    events: new Map(),
    dead: { articles: new Set(), events: new Set() },
  };
  for await (const line of createInterface({ input: createReadStream(log) })) {
    const sent = JSON.parse(line) as Sent;
    if ('dead' in sent) expected.dead[sent.topic].add(sent.dead);
    else if (sent.topic === 'articles') expected.articles.set(sent.id, sent);
    else expected.events.set(sent.n, sent);
  }
  return expected;
};

interface Hit {
  readonly _id: string;
  readonly _version: number;
  readonly _source: Record<string, unknown>;
}

async function* hitsOf(index: string): AsyncGenerator<Hit> {
  await call(cluster, 'POST', `/${index}/_refresh`);
  const { id } = (await call(cluster, 'POST', `/${index}/_pit?keep_alive=5m`)) as { id: string };
  for (let after: unknown; ; ) {
    const { hits } = (await call(cluster, 'POST', '/_search', {
      size: 1000,
      version: true,
      pit: { id, keep_alive: '5m' },
      sort: ['_shard_doc'],
      ...(after !== undefined && { search_after: after }),
    })) as { hits: { hits: (Hit & { sort: unknown[] })[] } };
    yield* hits.hits;
    if (hits.hits.length < 1000) break;
    after = hits.hits.at(-1)!.sort;
  }
  await call(cluster, 'DELETE', '/_pit', { id });
}

const problems: string[] = [];
const counts: Record<string, number> = {};
const count = (name: string, by = 1) => {
  counts[name] = (counts[name] ?? 0) + by;
};

const checkArticles = async ({ articles }: Expected): Promise<void> => {
  const missing = new Set(articles.keys());
  const enriched: Enriched[] = [];
  for await (const { _id, _version, _source } of hitsOf(INDEX.articles)) {
    const sent = articles.get(_id);
    if (sent === undefined) {
      problems.push(`the index holds an article [${_id}] that was never sent`);
      continue;
    }
    missing.delete(_id);
    const { ml, ...rest } = _source;
    const { source, version } = sent;
    const wanted = { ...source, title: source.title.toUpperCase(), seen: `${source.id}-${source.version}` };
    if (_version !== version) problems.push(`article [${_id}] is at version ${_version}, not ${version}`);
    else if (!isDeepStrictEqual(rest, wanted)) problems.push(`article [${_id}] has other contents than it should`);
    else if ((ml === undefined) !== (source.body === undefined))
      problems.push(`article [${_id}]: inference is missing`);
    else if (ml !== undefined) enriched.push(_source as unknown as Enriched);
    count('articles');
  }
  for (const id of missing) problems.push(`article [${id}] is missing`);
  // Entities and vectors beside what ONNX Runtime alone gives for the same text.
  await checkAgainstLimit(enriched, enriched.length).catch((error: Error) => problems.push(error.message));
  count('inferences compared', enriched.length);
};

const checkEvents = async ({ events }: Expected): Promise<void> => {
  const seen = new Map<number, number>();
  for await (const { _source } of hitsOf(INDEX.events)) {
    const n = _source.n as number;
    seen.set(n, (seen.get(n) ?? 0) + 1);
    const sent = events.get(n);
    if (sent === undefined) problems.push(`the data stream holds an event ${n} that was never sent`);
    else if (!isDeepStrictEqual(_source, { ...sent.source, seen: `event-${n}` }))
      problems.push(`event ${n} has other contents than it should`);
    count('events');
  }
  for (const n of events.keys()) if (!seen.has(n)) problems.push(`event ${n} is missing`);
  for (const [n, times] of seen) if (times > 1) problems.push(`event ${n} is there ${times} times`);
};

interface DeadLetter {
  readonly raw?: { readonly base64: string };
}

const rawOf = (letter: DeadLetter): string => Buffer.from(letter.raw?.base64 ?? '', 'base64').toString('utf8');

const checkDead = (name: string, wanted: ReadonlySet<string>, found: ReadonlyMap<string, number>): void => {
  for (const raw of wanted) if (!found.has(raw)) problems.push(`a dead letter of ${name} is missing`);
  for (const raw of found.keys())
    if (!wanted.has(raw)) problems.push(`a good document of ${name} is a dead letter: ${raw.slice(0, 100)}`);
  count(`dead letters of ${name}`, wanted.size);
};

const deadInTopic = async (): Promise<Map<string, number>> => {
  const kafka = new Kafka({ clientId: 'chaos-verify', brokers: [brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const [end] = await admin.fetchTopicOffsets(DEAD_TOPIC);
  await admin.disconnect();
  const found = new Map<string, number>();
  if (end === undefined || end.high === '0') return found;
  const consumer = kafka.consumer({ groupId: `chaos-verify-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topic: DEAD_TOPIC, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        const raw = rawOf(JSON.parse(message.value!.toString()) as DeadLetter);
        found.set(raw, (found.get(raw) ?? 0) + 1);
        if (BigInt(message.offset) + 1n >= BigInt(end.high)) resolve();
      },
    });
  });
  await consumer.disconnect();
  return found;
};

const deadInIndex = async (): Promise<Map<string, number>> => {
  const found = new Map<string, number>();
  for await (const { _source } of hitsOf(INDEX.dead)) {
    const raw = rawOf(_source as DeadLetter);
    found.set(raw, (found.get(raw) ?? 0) + 1);
  }
  for (const [raw, times] of found)
    if (times > 1) problems.push(`a dead letter is in the index ${times} times: ${raw.slice(0, 100)}`);
  return found;
};

const expected = await readLog();
await checkArticles(expected);
await checkEvents(expected);
const inTopic = await deadInTopic();
checkDead('articles', expected.dead.articles, inTopic);
checkDead('events', expected.dead.events, await deadInIndex());
let again = 0;
for (const times of inTopic.values()) again += times - 1;
count('dead letters sent to the topic again', again);
// Some of each kind: ten doubles must not hide what is missing.
const kinds = Map.groupBy(problems, (problem) => problem.replace(/\[.*?\]|: .*|\d+/g, '…'));
for (const [kind, some] of kinds) {
  console.error(`${some.length} times: ${kind}`);
  for (const problem of some.slice(0, TOLD)) console.error(`  ${problem}`);
}
console.log(JSON.stringify({ problems: problems.length, counts }));
process.exit(problems.length === 0 ? 0 : 1);
