import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import avsc from 'avsc';
import snappy from 'snappy';
import type { Decoded, SourcePort, SourceRecord } from '../../core/contracts.ts';
import { csvOptions, dumpSourceOptions } from './options.ts';
import { RecordIds } from './record-ids.ts';
import { type DumpRecord, DumpRecords } from './records.ts';
import { DumpSource } from './source.ts';

const type = avsc.Type.forSchema({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'n', type: 'long' },
    { name: 's', type: 'string' },
  ],
});
const SYNC = Buffer.from('0123456789abcdef');
const long = (value: number) => avsc.Type.forSchema('long').toBuffer(value);
const checksum = (bytes: Buffer) => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
};

const PACK: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  null: (bytes) => bytes,
  deflate: deflateRawSync,
  snappy: (bytes) => Buffer.concat([snappy.compressSync(bytes), checksum(bytes)]),
  zstandard: zstdCompressSync,
};

const values = (count: number) => Array.from({ length: count }, (_, n) => ({ n, s: `text ${n % 7}`.repeat(n % 50) }));

/** An object container file. */
const container = (documents: readonly object[], codec = 'null', perBlock = 10): Buffer => {
  const schema = JSON.stringify(type.schema());
  const meta = avsc.Type.forSchema({ type: 'map', values: 'bytes' });
  const header = meta.toBuffer({ 'avro.schema': Buffer.from(schema), 'avro.codec': Buffer.from(codec) });
  const parts: Buffer[] = [Buffer.from('Obj\x01'), header, SYNC];
  for (let at = 0; at < documents.length; at += perBlock) {
    const some = documents.slice(at, at + perBlock);
    const packed = PACK[codec]!(Buffer.concat(some.map((document) => type.toBuffer(document))));
    parts.push(long(some.length), long(packed.length), packed, SYNC);
  }
  return Buffer.concat(parts);
};

interface Reading {
  readonly records: readonly SourceRecord[];
  readonly documents: readonly unknown[];
  readonly error: (Error & { readonly code?: string }) | undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-avro-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const save = (bytes: Buffer): string => {
  const path = join(folder, `${files++}.bin`);
  writeFileSync(path, bytes);
  return path;
};

interface ReadOptions {
  readonly resume?: string;
  readonly maxBytes?: number;
  readonly defaultIds?: boolean;
}

const read = async (path: string, { resume, maxBytes, defaultIds = true }: ReadOptions = {}): Promise<Reading> => {
  const source = new DumpSource({
    options: dumpSourceOptions.parse({ paths: path, checkpoint: resume, max_document_bytes: maxBytes }),
    stream: 'test',
    resume: resume !== undefined,
    defaultIds,
  });
  const records: SourceRecord[] = [];
  const error = await new Promise<Error | undefined>((resolve) => {
    const port: SourcePort = {
      assigned: () => undefined,
      revoked: () => {},
      deliver: (_, some) => void records.push(...some),
      full: false,
      room: async () => {},
      ended: () => resolve(undefined),
      trouble: () => {},
      failed: resolve,
    };
    void source.start(port);
  });
  await source.stop();
  const documents = records.map(
    ({ codec, value, headers }) => (codec?.decode(value!, headers) as Decoded | undefined)?.source,
  );
  return { records, documents, error };
};

/** Commits a position as a stream does. */
const checkpoint = async (path: string, position: bigint): Promise<string> => {
  const file = `${path}.checkpoint.json`;
  const source = new DumpSource({
    options: dumpSourceOptions.parse({ paths: path, checkpoint: file }),
    stream: 'test',
    resume: false,
    defaultIds: false,
  });
  await new Promise<void>((resolve) => void source.start({ ended: resolve, failed: () => resolve() } as never));
  await source.commit(new Map([[path, position]]));
  return file;
};

describe('an Avro file', () => {
  for (const codec of Object.keys(PACK)) {
    test(`with blocks packed by ${codec} is read record by record`, async () => {
      const documents = values(105);
      const { records, documents: got, error } = await read(save(container(documents, codec)));
      assert.equal(error, undefined);
      assert.deepEqual(got, documents);
      assert.deepEqual(
        records.map(({ position, next }) => [position, next]),
        documents.map((_, n) => [BigInt(n), BigInt(n + 1)]),
      );
      assert.deepEqual(records[3]!.value, type.toBuffer(documents[3]));
    });
  }

  test('may lie inside of gzip and zstd, and chunks may end anywhere', async () => {
    const documents = values(2500);
    for (const pack of [gzipSync, zstdCompressSync])
      assert.deepEqual((await read(save(pack(container(documents, 'deflate', 1100))))).documents, documents);
  });

  test('written by avsc is read', async () => {
    const path = join(folder, 'avsc.avro');
    const encoder = avsc.createFileEncoder(path, type, { codec: 'deflate' });
    const written = new Promise((resolve) => encoder.on('close', resolve));
    for (const document of values(300)) encoder.write(document);
    encoder.end();
    await written;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual((await read(path)).documents, values(300));
  });

  test('without records has none', async () => {
    assert.deepEqual(await read(save(container([]))), { records: [], documents: [], error: undefined });
  });

  test('gives equal records ids of their own, the same wherever reading resumes', async () => {
    const documents = [{ n: 1, s: 'a' }, { n: 1, s: 'a' }, ...values(30), { n: 1, s: 'a' }];
    const path = save(container(documents));
    const all = await read(path);
    const ids = all.records.map(({ defaultId }) => defaultId());
    assert.equal(new Set(ids).size, documents.length);
    assert.equal(ids[0], new RecordIds().next(type.toBuffer(documents[0])));
    for (const defaultIds of [true, false]) {
      const rest = await read(path, { resume: await checkpoint(path, 15n), defaultIds });
      assert.deepEqual(rest.documents, documents.slice(15));
      assert.equal(rest.records[0]!.position, 15n);
      if (defaultIds) assert.equal(rest.records.at(-1)!.defaultId(), ids.at(-1));
    }
  });
});

describe('a damaged Avro file stops the reading after what lies before the damage', () => {
  const whole = container(values(30), 'deflate');
  const cases: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
    'cut within the header': [whole.subarray(0, 40), /ends within its header/],
    'cut within a block': [whole.subarray(0, -20), /damaged after record 20: it ends within the block/],
    'with a wrong mark': [Buffer.concat([whole.subarray(0, -1), Buffer.from('!')]), /after record 20: the mark/],
    'with a wrong checksum': [
      Buffer.from(container(values(10), 'snappy').map((byte, at, all) => (at === all.length - 17 ? byte ^ 1 : byte))),
      /checksum of a snappy block is wrong/,
    ],
    'packed with something else': [
      Buffer.from(whole.toString('latin1').replace('deflate', 'bzip2!!'), 'latin1'),
      /compressed with \[bzip2!!\]; supported are \[null, deflate, snappy, zstandard\]/,
    ],
    'without records of its schema': [
      Buffer.from(whole.toString('latin1').replace('"record"', '"recard"'), 'latin1'),
      /the schema in the Avro file cannot be used/,
    ],
  };
  for (const [name, [bytes, message]] of Object.entries(cases)) {
    test(name, async () => {
      const { error, documents } = await read(save(bytes));
      assert.equal(error?.code, 'SLUICE_SOURCE_UNREADABLE');
      assert.match(error.message, message);
      if (/record 20/.test(message.source)) assert.deepEqual(documents, values(20));
    });
  }

  test('and so do blocks larger than max_document_bytes, packed or not', async () => {
    const bomb = [{ n: 1, s: 'x'.repeat(1_000_000) }];
    for (const codec of Object.keys(PACK)) {
      const { error } = await read(save(container(bomb, codec)), { maxBytes: 100_000 });
      assert.match(error!.message, /max_document_bytes \(100000\)/, codec);
    }
  });
});

test('chunks may end anywhere', async () => {
  const whole = container(values(40), 'snappy');
  for (const size of [1, 3, 17, 1000]) {
    const records = new DumpRecords({
      maxBytes: 10_000,
      from: 0n,
      all: true,
      format: 'auto',
      csv: csvOptions.parse({}),
      path: 'x',
      folder,
    });
    const got: DumpRecord[] = [];
    for (let at = 0; at < whole.length; at += size)
      for await (const some of records.push(whole.subarray(at, at + size))) got.push(...some);
    for await (const some of records.end()) got.push(...some);
    assert.deepEqual(
      got.map(({ value }) => type.fromBuffer(value!).n),
      values(40).map(({ n }) => n),
    );
  }
});

test('other files are lines, however short', async () => {
  for (const text of ['{"a":1}\n\n{"b":2}', 'Obj', 'O\n', '']) {
    const { records } = await read(save(Buffer.from(text)));
    assert.deepEqual(
      records.map(({ value, codec }) => [Buffer.from(value!).toString(), codec]),
      text.split('\n').flatMap((line) => (line === '' ? [] : [[line, undefined]])),
    );
  }
});
