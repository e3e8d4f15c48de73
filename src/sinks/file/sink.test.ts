import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, mock, test } from 'node:test';
import { gunzipSync, zstdCompressSync } from 'node:zlib';
import type { SluiceError } from '../../core/errors.ts';
import { fileSinkOptions } from './options.ts';
import { FileSink } from './sink.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
after(() => rmSync(root, { recursive: true }));
let folder = root;
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  path = join(folder, 'out.ndjson');
});

const opened = async (how: { resume?: boolean; append?: boolean; log?: { warn(message: string): void } } = {}) => {
  const options = fileSinkOptions.parse({ path, format: 'ndjson' });
  const sink = new FileSink({ options, index: undefined, id: undefined, resume: false, ...how });
  await sink.open();
  return sink;
};

const write = (sink: FileSink, ...lines: string[]) =>
  sink.write(lines.map((line) => ({ key: undefined, bytes: line.length + 1, text: `${line}\n` })));

const text = () => readFileSync(path, 'utf8');

/** One run that ended as it should. */
const finish = async (...lines: string[]) => {
  const sink = await opened();
  await write(sink, ...lines);
  await sink.close(true);
};

describe('a file that a resumed run goes on with', () => {
  test('keeps its lines when that run is killed at once, before or after its first batch', async () => {
    await finish('a', 'b');
    await opened({ resume: true });
    assert.equal(text(), 'a\nb\n', 'it stays in its place until there is more');
    await write(await opened({ resume: true }), 'c');
    assert.equal(existsSync(path), false);
    const sink = await opened({ resume: true });
    await write(sink, 'd');
    await sink.close(true);
    assert.equal(text(), 'a\nb\nc\nd\n');
    assert.deepEqual(readdirSync(folder), ['out.ndjson']);
  });

  test('stays in its place when that run fails before it wrote anything', async () => {
    await finish('a');
    await (await opened({ resume: true })).close(false);
    assert.equal(text(), 'a\n');
  });

  test('loses a batch that a crash cut off, and nothing else', async () => {
    await write(await opened(), 'a');
    appendFileSync(`${path}.part`, 'cut o');
    const sink = await opened({ resume: true });
    await sink.close(true);
    assert.equal(text(), 'a\n');
  });

  for (const [what, note] of Object.entries({ missing: undefined, empty: '', 'too large': '1000' })) {
    test(`is refused and left alone where the note of its length is ${what}`, async () => {
      writeFileSync(`${path}.part`, 'a\n');
      if (note !== undefined) writeFileSync(`${path}.part.length`, note);
      await assert.rejects(opened({ resume: true }), { code: 'SLUICE_SINK_UNWRITABLE', message: /cannot be gone on/ });
      assert.equal(readFileSync(`${path}.part`, 'utf8'), 'a\n');
    });
  }
});

test('a run from the beginning leaves no note of an earlier one', async () => {
  await write(await opened(), 'a', 'b', 'c');
  await opened();
  assert.equal(existsSync(`${path}.part.length`), false);
});

test('a run that is stopped early keeps what it wrote for the next one, and the finished file', async () => {
  await finish('old');
  const sink = await opened();
  await write(sink, 'a');
  await sink.close(false);
  assert.equal(text(), 'old\n');
  const next = await opened({ resume: true });
  await write(next, 'b');
  await next.close(true);
  assert.equal(text(), 'a\nb\n');
});

describe('a full disk', () => {
  /** The next write gets no further than so many bytes. */
  const fillUp = async (bytes: number) => {
    const probe = await open(path, 'a');
    const handle = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    const { appendFile } = handle;
    const append = mock.method(handle, 'appendFile');
    append.mock.mockImplementationOnce(async function (this: FileHandle, data: string | Uint8Array) {
      await appendFile.call(this, data.slice(0, bytes));
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    } as typeof appendFile);
    return () => append.mock.restore();
  };

  test('is told with a way out; nothing is written behind half a batch, and a resumed run goes on exactly', async () => {
    const sink = await opened();
    await write(sink, 'a');
    const free = await fillUp(4);
    const full = (error: SluiceError) =>
      error.code === 'SLUICE_SINK_UNWRITABLE' &&
      /ENOSPC: no space left/.test(error.message) &&
      error.place === path &&
      /Make room.*--resume/.test(error.hint!);
    await assert.rejects(write(sink, 'bbb', 'c'), full);
    free();
    await assert.rejects(write(sink, 'd'), full, 'there is room again, but half a line before it');
    await sink.close(false);
    assert.equal(readFileSync(`${path}.part`, 'utf8'), 'a\nbbb\n');
    const next = await opened({ resume: true });
    await write(next, 'bbb', 'c');
    await next.close(true);
    assert.equal(text(), 'a\nbbb\nc\n');
  });

  test('of dead letters leaves a line that is none, and the next run begins behind it', async () => {
    const sink = await opened({ append: true });
    const free = await fillUp(3);
    await assert.rejects(write(sink, '{"a":1}'), /ENOSPC/);
    free();
    await sink.close(false);
    const next = await opened({ append: true });
    await write(next, '{"a":1}');
    await next.close(true);
    assert.equal(text(), '{"a\n{"a":1}\n');
  });
});

describe('dead letters after a crash', () => {
  test('begin on a line of their own', async () => {
    writeFileSync(path, '{"a":1}\n{"cut');
    const sink = await opened({ append: true });
    await write(sink, '{"b":2}');
    await sink.close(false);
    assert.equal(text(), '{"a":1}\n{"cut\n{"b":2}\n');
  });

  for (const ending of ['gz', 'zst']) {
    test(`go to a new .${ending} file where the old one was cut off`, async () => {
      path = join(folder, `dead.ndjson.${ending}`);
      for (const line of ['a', 'b'.repeat(1000)]) {
        const sink = await opened({ append: true });
        await write(sink, line);
        await sink.close(true);
      }
      assert.deepEqual(readdirSync(folder), [`dead.ndjson.${ending}`], 'a whole file is added to');
      const whole = readFileSync(path);
      const said: string[] = [];
      const log = { warn: (message: string) => void said.push(message) };
      const member =
        ending === 'gz' ? whole.subarray(0, -3) : Buffer.concat([whole, zstdCompressSync('c').subarray(0, 9)]);
      writeFileSync(path, member);
      const sink = await opened({ append: true, log });
      await write(sink, 'd');
      await sink.close(true);
      assert.deepEqual(readdirSync(folder).sort(), [`dead.ndjson.${ending}`, `dead.ndjson.${ending}.damaged-1`]);
      assert.match(said[0]!, /moved aside/);
      if (ending === 'gz') assert.equal(gunzipSync(readFileSync(path)).toString(), 'd\n');
    });
  }
});
