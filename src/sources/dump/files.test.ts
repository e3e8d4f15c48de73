import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { findFiles, openFile } from './files.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'));
after(() => rmSync(folder, { recursive: true }));

const read = async (bytes: Buffer): Promise<Buffer> => {
  const path = join(folder, 'dump');
  writeFileSync(path, bytes);
  const [file] = await findFiles([path]);
  const chunks: Buffer[] = [];
  for await (const chunk of openFile(file!).stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/** Does not compress, so that frames are longer than a chunk read from the disk. */
const noise = (length: number, seed: number): Buffer => {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[at] = state >>> 16;
  }
  return bytes;
};

const MEMBERS = [
  ...Array.from({ length: 500 }, (_, n) => Buffer.from(`{"n":${n}}\n`)),
  Buffer.alloc(0),
  noise(700_000, 1),
  Buffer.alloc(3_000_000, 'x'),
  noise(300_000, 2),
  Buffer.from('the end\n'),
];

for (const [name, pack] of [
  ['zstd frames', zstdCompressSync],
  ['gzip members', gzipSync],
] as const) {
  describe(`a row of ${name}`, () => {
    test('is read to its end', async () => {
      assert.ok((await read(Buffer.concat(MEMBERS.map((part) => pack(part))))).equals(Buffer.concat(MEMBERS)));
    });

    test('is read to its end wherever a chunk from the disk ends', async () => {
      const border = 256 * 1024;
      const second = pack(Buffer.from('second\n'));
      for (let over = -second.length - 2; over <= 2; over += 1) {
        let content = noise(border, 3);
        // Shortened until its packed length is what is wanted.
        while (pack(content).length > border + over)
          content = content.subarray(0, content.length - Math.max(1, pack(content).length - border - over));
        const whole = Buffer.concat([pack(content), second, pack(Buffer.from('third\n'))]);
        const expected = Buffer.concat([content, Buffer.from('second\nthird\n')]);
        assert.ok((await read(whole)).equals(expected), `${over} bytes over`);
      }
    });

    test('fails wherever it is cut off within a member, and where something else follows', async () => {
      const first = pack(Buffer.from('{"a":1}\n'));
      const whole = Buffer.concat([first, pack(Buffer.from('{"b":"bbbbbbbbbbbbbbbbbbbbbbbbbb"}\n'))]);
      for (let length = first.length + 1; length < whole.length; length += 1)
        await assert.rejects(read(whole.subarray(0, length)), `${length} bytes`);
      await assert.rejects(read(Buffer.concat([whole, Buffer.from('what is this')])));
      assert.equal((await read(first)).toString(), '{"a":1}\n');
    });
  });
}

test('a reader that stops early closes the file', async () => {
  const path = join(folder, 'early');
  writeFileSync(path, Buffer.concat(MEMBERS.map((part) => zstdCompressSync(part))));
  const [file] = await findFiles([path]);
  const { stream } = openFile(file!);
  for await (const _ of stream) break;
  assert.equal(stream.destroyed, true);
});
