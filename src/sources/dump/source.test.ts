import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { SourcePort, SourceRecord } from '../../core/contracts.ts';
import { dumpSourceOptions } from './options.ts';
import { DumpSource } from './source.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-dump-'));
after(() => rmSync(folder, { recursive: true }));

let made = 0;
const place = (text: string, name = `${made++}.ndjson`): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const sourceOf = (paths: readonly string[], { checkpoint = join(folder, `${made++}.json`), resume = false } = {}) =>
  new DumpSource({
    options: dumpSourceOptions.parse({ paths, checkpoint }),
    stream: 'test',
    resume,
    defaultIds: false,
  });

/** Reads all of it. */
const read = async (source: DumpSource): Promise<SourceRecord[]> => {
  const records: SourceRecord[] = [];
  await new Promise<void>((resolve, reject) => {
    const port = {
      assigned: () => undefined,
      deliver: (_: string, some: readonly SourceRecord[]) => void records.push(...some),
      full: false,
      room: async () => {},
      ended: resolve,
      failed: reject,
    };
    source.start(port as unknown as SourcePort).catch(reject);
  });
  return records;
};

const texts = (records: readonly SourceRecord[]) => records.map(({ value }) => Buffer.from(value!).toString());

/** Reads the files, keeps that all of it is settled, and answers with the checkpoint. */
const settle = async (paths: readonly string[]): Promise<string> => {
  const checkpoint = join(folder, `${made++}.json`);
  const source = sourceOf(paths, { checkpoint });
  const ends = new Map<string, bigint>();
  for (const record of await read(source)) ends.set(record.origin().fields.path as string, record.next);
  await source.commit(ends);
  return checkpoint;
};

test('stopping does not wait for room that never comes', { timeout: 5000 }, async () => {
  const source = sourceOf([place('{"a":1}\n')]);
  await new Promise<void>((asked) => {
    const port = {
      assigned: () => undefined,
      deliver: () => {},
      full: true,
      room: () => {
        asked();
        return new Promise<void>(() => {});
      },
      ended: () => assert.fail('it has not ended'),
      failed: assert.fail,
    };
    void source.start(port as unknown as SourcePort);
  });
  await source.stop();
});

test('a byte order mark is no part of the first document, and positions stay exact', async () => {
  const records = await read(sourceOf([place('\ufeff{"a":1}\n{"b":2}\n')]));
  assert.deepEqual(texts(records), ['{"a":1}', '{"b":2}']);
  assert.deepEqual(
    records.map(({ position, next }) => [position, next]),
    [
      [0n, 11n],
      [11n, 19n],
    ],
  );
  assert.deepEqual(texts(await read(sourceOf([place('\ufeff\n{"b":2}\n')]))), ['{"b":2}']);
});

describe('a resumed dump', () => {
  const long = `${JSON.stringify({ x: 'x'.repeat(70_000) })}\n`;

  test('reads another file that begins alike', async () => {
    const first = place(`${long}{"a":1}\n`);
    const checkpoint = await settle([first]);
    const second = place(`${long}{"a":2}\n{"a":3}\n`);
    const records = await read(sourceOf([first, second], { checkpoint, resume: true }));
    assert.deepEqual(texts(records).slice(1), ['{"a":2}', '{"a":3}']);
  });

  test('knows a renamed file again', async () => {
    const path = place(`${long}{"a":1}\n`);
    const checkpoint = await settle([path]);
    renameSync(path, `${path}.renamed`);
    assert.deepEqual(await read(sourceOf([`${path}.renamed`], { checkpoint, resume: true })), []);
  });

  test('goes on with a short file that has grown, also from an older checkpoint', async () => {
    const path = place('{"a":1}\n');
    const checkpoint = await settle([path]);
    appendFileSync(path, '{"a":2}\n');
    assert.deepEqual(texts(await read(sourceOf([path], { checkpoint, resume: true }))), ['{"a":2}']);
    const kept = JSON.parse(readFileSync(checkpoint, 'utf8')) as { files: { headBytes?: number }[] };
    delete kept.files[0]!.headBytes;
    writeFileSync(checkpoint, JSON.stringify(kept));
    appendFileSync(path, long);
    assert.equal((await read(sourceOf([path], { checkpoint, resume: true }))).length, 2);
  });

  test('does not go on where a run before the last one stopped', async () => {
    const path = place('{"a":1}\n');
    const checkpoint = await settle([path]);
    await read(sourceOf([path], { checkpoint }));
    assert.equal((await read(sourceOf([path], { checkpoint, resume: true }))).length, 1);
  });

  test('refuses a file that is shorter or another one', async () => {
    const path = place('{"a":1}\n{"a":2}\n');
    const checkpoint = await settle([path]);
    for (const text of ['{"a":1}\n', '{"a":1}\n{"a":3}\n{"a":4}\n']) {
      writeFileSync(path, text);
      await assert.rejects(read(sourceOf([path], { checkpoint, resume: true })), { code: 'SLUICE_CHECKPOINT' });
    }
  });
});
