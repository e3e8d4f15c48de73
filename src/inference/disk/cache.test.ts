import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, test } from 'node:test';
import { DiskCache } from './cache.ts';
import { Segment } from './segment.ts';

const base = mkdtempSync(join(tmpdir(), 'sluice-disk-cache-'));
after(() => rmSync(base, { recursive: true }));

const warnings: string[] = [];
const open = async (folder: string, max_size = 1024 ** 2): Promise<DiskCache> => {
  const cache = new DiskCache({
    path: join(base, folder),
    max_size,
    log: { warn: (message, fields) => void warnings.push(`${message} ${JSON.stringify(fields)}`) },
  });
  await cache.open();
  return cache;
};
const payload = (n: number, size = 1000) => Buffer.alloc(size, `result ${n} `);
const fill = async (folder: string, from: number, to: number): Promise<void> => {
  const cache = await open(folder);
  for (let n = from; n < to; n += 1) cache.set(`text ${n}`, payload(n));
  await cache.close();
};
const files = (folder: string) => readdirSync(join(base, folder)).map((name) => join(base, folder, name));
const countKnown = async (cache: DiskCache, to: number, from = 0): Promise<number> => {
  let known = 0;
  for (let n = from; n < to; n += 1) {
    const bytes = await cache.get(`text ${n}`);
    if (bytes === undefined) continue;
    assert.ok(bytes.equals(payload(n)), `text ${n} has another result`);
    known += 1;
  }
  return known;
};
const takeWarnings = () => warnings.splice(0);

test('what one process kept the next one finds, and nothing else', async () => {
  await fill('plain', 0, 40);
  const cache = await open('plain');
  assert.equal(await countKnown(cache, 400), 40);
  await cache.close();
  assert.equal(files('plain').length, 1, 'a run without new results begins no file');
  assert.equal(statSync(files('plain')[0]!).mode & 0o077, 0, 'others may read entities of the texts');
  assert.deepEqual(takeWarnings(), []);
});

test('processes that write at once lose nothing of each other', async () => {
  await Promise.all([fill('many', 0, 100), fill('many', 50, 150), fill('many', 150, 200)]);
  const cache = await open('many');
  assert.equal(await countKnown(cache, 200), 200);
  await cache.close();
});

test('a process finds what another adds while both run', async () => {
  const reader = await open('live');
  await fill('live', 0, 10);
  assert.equal(reader.get('text 1'), undefined);
  for (const end = Date.now() + 10_000; reader.get('text 1') === undefined && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await countKnown(reader, 10), 10);
  await reader.close();
});

test('the files stay within max_size, and what is used stays longest', async () => {
  const cache = await open('small');
  for (let n = 0; n < 5000; n += 1) {
    cache.set(`text ${n}`, payload(n));
    if (n % 200 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await cache.close();
  const sizes = files('small').map((path) => statSync(path).size);
  assert.ok(sizes.reduce((a, b) => a + b) <= 1024 ** 2, `${sizes}`);
  const again = await open('small');
  const known = await countKnown(again, 5000);
  assert.ok(known > 600 && known < 1100, `${known} of 5000`);
  assert.equal(await countKnown(again, 5000, 4900), 100, 'the latest ones');
  await again.close();
  assert.deepEqual(takeWarnings(), []);
});

test('a file that was cut in half gives what is whole, tells once, and is mended', async () => {
  await fill('cut', 0, 50);
  const [path] = files('cut');
  truncateSync(path!, statSync(path!).size >> 1);
  utimesSync(path!, 1, 1);
  const cache = await open('cut');
  const known = await countKnown(cache, 100);
  assert.ok(known === 24 || known === 25, `${known}`);
  assert.equal(takeWarnings().filter((line) => line.includes('its end was cut off')).length, 1);
  for (let n = 0; n < 100; n += 1) cache.set(`text ${n}`, payload(n));
  await cache.close();
  const mended = await open('cut');
  assert.equal(await countKnown(mended, 100), 100);
  await mended.close();
  assert.deepEqual(takeWarnings(), []);
});

test('files of another version, of rubbish, and with flipped bits are misses, told once and removed', async () => {
  await fill('odd', 0, 50);
  const [path] = files('odd');
  const bytes = readFileSync(path!);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path!, bytes);
  writeFileSync(join(base, 'odd', 'a.results'), 'sluice results 9\nsomething');
  writeFileSync(join(base, 'odd', 'b.results'), Buffer.alloc(5000, 255));
  const cache = await open('odd');
  assert.ok((await countKnown(cache, 50)) < 50);
  const told = takeWarnings();
  assert.equal(told.length, 2, told.join('\n'));
  assert.deepEqual(files('odd'), []);
  for (let n = 0; n < 50; n += 1) cache.set(`text ${n}`, payload(n));
  await cache.close();
  const mended = await open('odd');
  assert.equal(await countKnown(mended, 50), 50);
  await mended.close();
});

test('kill -9 at any moment leaves only whole results', async () => {
  const script = `
    import { DiskCache } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)};
    const cache = new DiskCache({ path: ${JSON.stringify(join(base, 'killed'))}, max_size: 2 ** 24, log: console });
    await cache.open();
    for (let n = 0; ; n += 1) {
      cache.set('text ' + n, Buffer.alloc(1000, 'result ' + n + ' '));
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      if (n === 1000) console.log('much');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGKILL');
  await gone;
  const cache = await open('killed', 2 ** 24);
  assert.ok((await countKnown(cache, 5000)) >= 200);
  await cache.close();
  assert.deepEqual(takeWarnings(), []);
});

test('a record that a live process has not finished is waited for', async () => {
  await fill('growing', 0, 2);
  const [path] = files('growing');
  appendFileSync(path!, Buffer.alloc(20, 1));
  const size = statSync(path!).size;
  const cache = await open('growing');
  assert.equal(await countKnown(cache, 2), 2);
  await cache.close();
  assert.equal(statSync(path!).size, size);
  assert.deepEqual(takeWarnings(), []);
});

test('a folder that cannot be written or made is told once, and nothing fails', async () => {
  writeFileSync(join(base, 'file'), '');
  const cache = await open('file');
  for (let n = 0; n < 10; n += 1) cache.set(`text ${n}`, payload(n));
  assert.equal(await countKnown(cache, 10), 0);
  await cache.close();
  assert.equal(takeWarnings().length, 1);
  const lost = await open('lost');
  rmSync(join(base, 'lost'), { recursive: true });
  lost.set('text 1', payload(1));
  await lost.close();
  assert.equal(takeWarnings().length, 1);
});

test('a full disk is told once, and what was kept stays', { skip: process.platform !== 'linux' }, async () => {
  const script = `
    import { DiskCache } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)};
    const warned = [];
    const cache = new DiskCache({ path: ${JSON.stringify(join(base, 'full'))}, max_size: 2 ** 24, log: { warn: (message, fields) => warned.push(fields.reason) } });
    await cache.open();
    process.on('SIGXFSZ', () => {});
    for (let n = 0; n < 2000; n += 1) {
      cache.set('text ' + n, Buffer.alloc(1000, 'result ' + n + ' '));
      if (n % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await cache.close();
    console.log(JSON.stringify(warned));`;
  // A limit on the size of files stands for the disk's.
  const child = spawn(
    'bash',
    ['-c', 'ulimit -f 300; exec "$0" --input-type=module -e "$1"', process.execPath, script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  const warned = JSON.parse(out) as string[];
  assert.equal(warned.length, 1, out);
  assert.match(warned[0]!, /EFBIG/);
  const cache = await open('full', 2 ** 24);
  assert.ok((await countKnown(cache, 2000)) >= 100);
  await cache.close();
});

test('a disk that takes nothing at all is left without files, and a result is a miss', async () => {
  const script = `
    import { DiskCache } from ${JSON.stringify(new URL('./cache.ts', import.meta.url).href)};
    const told = [];
    const cache = new DiskCache({
      path: ${JSON.stringify(join(base, 'none'))},
      max_size: 2 ** 24,
      log: { warn: (message, fields) => told.push([message, fields.reason]) },
    });
    await cache.open();
    cache.set('text', Buffer.alloc(1000));
    await cache.close();
    process.stdout.write(JSON.stringify([told, cache.get('text') ?? null, cache.bytes]), () => {});`;
  const child = spawn('bash', ['-c', 'ulimit -f 0; exec "$0" --input-type=module -e "$1"', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  const [told, found, bytes] = JSON.parse(out) as [string[][], null, number];
  assert.deepEqual([told.length, found, bytes], [1, null, 0]);
  assert.match(told[0]![1]!, /EFBIG/);
  assert.deepEqual(files('none'), []);
});

test('a batch that found no room leaves no half of it, and the next process goes on', async () => {
  await fill('half', 0, 5);
  const [path] = files('half');
  const whole = statSync(path!).size;
  const segment = await Segment.open(path!, 1);
  await segment.scan(() => {});
  const probe = await openFile(path!);
  const handle = Object.getPrototypeOf(probe) as { write: (...how: unknown[]) => Promise<unknown> };
  await probe.close();
  const { write } = handle;
  const full = mock.method(handle, 'write');
  full.mock.mockImplementationOnce(async function (
    this: unknown,
    bytes: unknown,
    _: unknown,
    __: unknown,
    at: unknown,
  ) {
    await write.call(this, bytes, 0, 100, at);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  await assert.rejects(segment.append(Buffer.alloc(5000)), /ENOSPC/);
  full.mock.restore();
  await segment.close();
  assert.equal(statSync(path!).size, whole);
  await fill('half', 5, 10);
  const cache = await open('half');
  assert.equal(await countKnown(cache, 10), 10);
  await cache.close();
  assert.deepEqual(takeWarnings(), []);
});
