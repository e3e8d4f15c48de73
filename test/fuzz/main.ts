import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import avsc from 'avsc';
import { runnerOf } from '../../src/cli/build-stream.ts';
import { mustLoad } from '../../src/cli/load-stream.ts';
import { codecOptions, createCodec } from '../../src/codecs/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Codec, Sink, Source, SourcePort, SourceRecord, WriteItem } from '../../src/core/contracts.ts';
import { Breakers } from '../../src/runtime/breaker.ts';
import { Stream } from '../../src/runtime/stream.ts';
import { TestSchemaRegistry } from '../servers/schema-registry.ts';
import { randomOf } from '../simulation/world.ts';
import { mutate } from './mutate.ts';

const { values } = parseArgs({
  options: { messages: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const MESSAGES = Number(values.messages);
const BATCH = 500;
/** A stream that settles nothing for so long hangs. */
const PATIENCE_MS = 20_000;
/** Least share of the mutants that get past decoding. */
const DECODED = 0.3;

const folder = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const random = randomOf(Number(values.seed));
const log = { info() {}, warn() {}, error() {} };

/** Most processors, with conditions, nesting and handlers: what gets past decoding has something to break. */
const PIPELINE = `
source: { dump: { paths: x } }
processors:
  - set: { field: copy, value: "{{{title}}} {{_id}} {{missing.field}}" }
  - rename: { field: body, target_field: text, ignore_missing: true }
  - convert: { field: n, type: long, ignore_failure: true }
  - append: { field: tags, value: ["{{{n}}}", fuzz], allow_duplicates: false }
  - gsub: { field: text, pattern: "(\\\\w+)\\\\s+(\\\\d+)", replacement: "$2-$1", ignore_missing: true }
  - foreach: { field: tags, ignore_missing: true, processor: { uppercase: { field: _ingest._value, ignore_failure: true } } }
  - split: { field: text, separator: "[ ,]+", target_field: words, ignore_missing: true, ignore_failure: true }
  - join: { field: words, separator: " ", if: "ctx.words instanceof List" , ignore_failure: true }
  - date: { field: at, formats: [ISO8601, UNIX_MS], if: "ctx.at != null" }
  - json: { field: inner, if: "ctx.inner instanceof String", on_failure: [{ set: { field: bad, value: "{{{_ingest.on_failure_message}}}" } }] }
  - drop: { if: "ctx.n != null && ctx.n instanceof Number && ctx.n > 999999" }
  - trim: { field: title, ignore_missing: true }
  - remove: { field: secret, ignore_missing: true }
on_failure:
  - set: { field: error, value: "{{{_ingest.on_failure_processor_type}}}" }
sink: { stdout: }
`;

const document = (n: number) => ({
  n,
  title: `  Title ${n} `,
  body: `word ${n} and more, words ${n * 7}`,
  at: '2026-01-02T03:04:05.678Z',
  tags: ['a', `t${n % 5}`],
  inner: '{"a":[1,2.50,{"b":null}]}',
  secret: 'x',
  price: 1.5,
});

const TYPE = {
  type: 'record',
  name: 'Note',
  fields: [
    { name: 'n', type: 'long' },
    { name: 'title', type: 'string' },
    { name: 'body', type: ['null', 'string'] },
    { name: 'at', type: 'string' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'inner', type: 'string' },
    { name: 'secret', type: 'string' },
    { name: 'price', type: 'double' },
  ],
};

interface Corpus {
  readonly name: string;
  readonly codec: Codec;
  readonly messages: readonly Buffer[];
  /** Bytes in front that are hardly ever touched: each schema that does not exist costs a request. */
  readonly head?: number;
}

/** Hands mutants over as long as there is room, and counts how each ends. */
const fuzz = async ({ name, codec, messages, head = 0 }: Corpus, count: number): Promise<boolean> => {
  writeFileSync(join(folder, `${name}.yaml`), PIPELINE);
  let port!: SourcePort;
  let stopped = false;
  let [handed, decoded, written, dead] = [0, 0, 0, 0];
  const counted: Codec = {
    ...codec,
    decode: (value, headers) => {
      const out = codec.decode(value, headers);
      if (out instanceof Promise) {
        out.then(
          () => (decoded += 1),
          () => {},
        );
        return out;
      }
      decoded += 1;
      return out;
    },
  };
  const record = (position: number): SourceRecord => {
    const message = messages[position % messages.length]!;
    const kept = random() < 0.99 ? head : 0;
    const value = Buffer.concat([message.subarray(0, kept), mutate(message.subarray(kept), messages, random)]);
    return {
      position: BigInt(position),
      next: BigInt(position + 1),
      bytes: value.length + 256,
      value,
      key: null,
      headers: {},
      timestamp: 0,
      defaultId: () => `m-${position}`,
      origin: () => ({ name: '_kafka', fields: { topic: 'fuzz', offset: position } }),
    };
  };
  const feed = async () => {
    port.assigned('fuzz-0');
    while (handed < count && !stopped) {
      while (port.full) await port.room();
      const size = Math.min(BATCH, count - handed);
      const records = Array.from({ length: size }, (_, n) => record(handed + n));
      handed += size;
      port.deliver('fuzz-0', records);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    port.ended();
  };
  const source: Source = {
    type: 'fuzz',
    start: async (given) => {
      port = given;
      void feed();
    },
    pause: () => {},
    resume: () => {},
    commit: async () => {},
    stop: async () => {
      stopped = true;
    },
    close: async () => {},
  };
  const sink = (took: (items: number) => void): Sink<WriteItem> => ({
    type: 'fuzz',
    limits: { max_documents: 1000, max_bytes: 1 << 22, max_age_ms: 5, max_in_flight: 2 },
    open: async () => {},
    close: async () => {},
    prepare: (made) => ({ key: undefined, bytes: made.toLine().length }),
    write: async (items) => {
      took(items.length);
      return items.map(() => ({ outcome: 'delivered' }));
    },
  });
  const stream = new Stream({
    name,
    source,
    codec: counted,
    pipeline: runnerOf(mustLoad(join(folder, `${name}.yaml`), log)),
    sink: sink((items) => (written += items)),
    deadLetter: sink((items) => (dead += items)),
    clock: systemClock,
    random,
    limits: { in_flight_bytes: 8 << 20, commit_interval_ms: 1000, dead_letter_ratio: 1, shutdown_timeout_ms: 5000 },
    tombstones: 'ignore',
    breakers: new Breakers({ clock: systemClock, random }),
    ordered: false,
    finite: true,
    log,
  });
  const started = performance.now();
  let last = 0;
  let moved = performance.now();
  const watch = setInterval(() => {
    const { settledTotal } = stream.counters;
    if (settledTotal !== last) moved = performance.now();
    last = settledTotal;
    if (performance.now() - moved > PATIENCE_MS) {
      console.error(`${name}: nothing has ended for ${PATIENCE_MS / 1000} s at ${settledTotal} of ${handed}`);
      process.exit(1);
    }
  }, 500);
  await stream.start();
  await stream.done();
  clearInterval(watch);
  const { settled, settledTotal } = stream.counters;
  const share = decoded / count;
  const good = settledTotal === count && written + dead + settled.filtered === count && share >= DECODED;
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `${name.padEnd(12)} ${count} messages, ${(100 * share).toFixed(0)} % decoded, ${written} written, ${dead} dead letters, ${settled.filtered} dropped, ${(count / seconds).toFixed(0)} a second${good ? '' : '  RED'}`,
  );
  return good;
};

const documents = Array.from({ length: 200 }, (_, n) => document(n));
const avro = avsc.Type.forSchema(TYPE as never);
const encoded = documents.map((one) => avro.toBuffer(one));
writeFileSync(join(folder, 'note.avsc'), JSON.stringify(TYPE));
const registry = await TestSchemaRegistry.start();
const { url } = registry;
const { id } = await registry.register('fuzz-value', JSON.stringify(TYPE));
const framed = encoded.map((body) => {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, body]);
});
const parts = { log, clock: systemClock, baseDir: folder };
const codec = (options: unknown) => createCodec(codecOptions.parse(options), parts);
const corpora: readonly Corpus[] = [
  { name: 'json', codec: codec('json'), messages: documents.map((one) => Buffer.from(JSON.stringify(one))) },
  { name: 'avro', codec: codec({ avro: { schema: 'note.avsc' } }), messages: encoded },
  { name: 'wire format', codec: codec({ avro: { schema_registry: { url } } }), messages: framed, head: 5 },
];
let good = true;
for (const corpus of corpora) good = (await fuzz(corpus, Math.ceil(MESSAGES / corpora.length))) && good;
await registry.stop();
process.exit(good ? 0 : 1);
