import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { asyncProperty, boolean, assert as check, integer, uint8Array } from 'fast-check';
import kafkajs from 'kafkajs';
import lz4 from 'lz4-napi';
import { installCompression } from '../../src/connections/kafka/compression.ts';
import { TooLargeError } from '../../src/connections/kafka/decompressed.ts';
import { unlz4 } from '../../src/connections/kafka/lz4.ts';
import { BOMBS } from '../support/bombs.ts';

installCompression();
const require = createRequire(import.meta.url);
const codecs = kafkajs.CompressionCodecs as unknown as Record<number, () => Codec>;
interface Codec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(data: Buffer): Promise<Buffer>;
}

describe('a batch that unfolds to a gigabyte is refused, and takes no memory', () => {
  const script = fileURLToPath(new URL('../support/unfold-bomb.ts', import.meta.url));
  for (const client of ['kafkajs', 'platformatic'])
    for (const name of Object.keys(BOMBS))
      test(`${name} (${client})`, async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [script, name, client]);
        const { error, rise, bytes } = JSON.parse(stdout) as { error: string; rise: number; bytes: number };
        assert.ok(bytes < 60 * 2 ** 20, `${bytes} bytes`);
        assert.match(
          error,
          /^(a compressed record batch|the record batches of a fetch) unfolds? to more than 268435456 bytes$/,
        );
        assert.ok(rise < 300 * 2 ** 20, `the memory rose by ${Math.round(rise / 2 ** 20)} MiB`);
      });
});

test('whatever was compressed comes back', async () => {
  for (const type of [1, 2, 3, 4])
    for (const data of [Buffer.alloc(0), Buffer.alloc(5_000_000, 'ab'), crypto.getRandomValues(Buffer.alloc(60_000))]) {
      const codec = codecs[type]!();
      assert.deepEqual(await codec.decompress(await codec.compress({ buffer: data })), data);
    }
});

interface Encoder {
  readonly buffer: Buffer;
  writeInt8(value: number): Encoder;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: number): Encoder;
  writeString(value: string): Encoder;
  writeBytes(value: Buffer): Encoder;
  writeEncoder(value: Encoder): Encoder;
}
const Encoder = require('kafkajs/src/protocol/encoder.js') as new () => Encoder;
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0/index.js') as {
  RecordBatch(options: object): Promise<Encoder>;
};
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => Encoder;
const response = require('kafkajs/src/protocol/requests/fetch/v11/response.js') as {
  decode(data: Buffer): Promise<{ responses: { partitions: { messages: { offset: string }[] }[] }[] }>;
};

/** A fetch answer of these partitions, each with these sizes of batches of one record; and the offsets that come of it. */
const offsetsOf = async (partitions: readonly (readonly number[])[]): Promise<string[][]> => {
  const answer = new Encoder().writeInt32(0).writeInt16(0).writeInt32(0).writeInt32(1).writeString('topic');
  answer.writeInt32(partitions.length);
  for (const [partition, sizes] of partitions.entries()) {
    const set = new Encoder();
    for (const [firstOffset, length] of sizes.entries()) {
      const records = [encodeRecord({ key: null, value: Buffer.alloc(length) })];
      set.writeEncoder(await RecordBatch({ compression: kafkajs.CompressionTypes.LZ4, records, firstOffset }));
    }
    answer.writeInt32(partition).writeInt16(0).writeInt64(9).writeInt64(9).writeInt64(0).writeInt32(0).writeInt32(-1);
    answer.writeBytes(set.buffer);
  }
  const { responses } = await response.decode(answer.buffer);
  return responses[0]!.partitions.map(({ messages }) => messages.map(({ offset }) => offset));
};
const MIB = 2 ** 20;

test('the batches of a fetch share one bound, and what is beyond it waits for the next', async () => {
  const sizes = [
    [100 * MIB, 100 * MIB, 100 * MIB, MIB],
    [100 * MIB, MIB],
  ];
  assert.deepEqual(await offsetsOf(sizes), [['0', '1'], []]);
  // The next fetch has its own.
  assert.deepEqual(await offsetsOf([[200 * MIB], [MIB]]), [['0'], ['0']]);
});

test('a batch that is too large by itself fails the fetch, also behind others', async () => {
  await assert.rejects(offsetsOf([[257 * MIB]]), /unfolds to more than/);
  assert.deepEqual(await offsetsOf([[MIB, 257 * MIB]]), [['0']]);
});

test('an LZ4 frame is counted to the byte before it is unfolded', async () => {
  const some = uint8Array({ minLength: 1, maxLength: 3000 });
  await check(
    asyncProperty(some, integer({ min: 1, max: 200 }), boolean(), async (bytes, times, checksums) => {
      const content = Buffer.concat(Array.from({ length: times }, () => bytes));
      const frame = lz4.compressFrameSync(content, { blockChecksums: checksums, contentChecksum: checksums });
      assert.ok(content.equals(await unlz4(frame, content.length)));
      await assert.rejects(unlz4(frame, content.length - 1), TooLargeError);
    }),
    { numRuns: 100 },
  );
});
