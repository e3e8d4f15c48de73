import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { array, assert as check, constantFrom, integer, nat, oneof, property, tuple } from 'fast-check';
import { FINGERPRINT_BOUNDS, type FingerprintBounds, Fingerprints } from './fingerprints.ts';
import { firstId, RecordIds } from './record-ids.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-ids-'));
after(() => rmSync(folder, { recursive: true }));

/** So small that nearly everything lies on the disk, in runs of every length, behind a filter that is always full. */
const TINY: FingerprintBounds = { bits: 1, slots: 4, filterBits: 5 };
/** Nothing is on the disk before a few hundred. */
const SMALL: FingerprintBounds = { bits: 3, slots: 64, filterBits: 9 };

const model = (records: readonly string[]): string[] => {
  const counts = new Map<string, number>();
  return records.map((record) => {
    const id = hash('sha256', record, 'buffer').toString('base64url', 0, 16);
    const count = counts.get(id) ?? 0;
    counts.set(id, count + 1);
    return count === 0 ? id : `${id}-${count}`;
  });
};

for (const [name, bounds, recent, maxLength] of [
  ['in memory', undefined, undefined, 2000],
  ['on the disk', TINY, 3, 300],
  ['partly on the disk', SMALL, 1, 2000],
] as const)
  test(`ids count equal records as a map would: ${name}`, () => {
    const record = oneof(nat(12), nat(2000)).map(String);
    check(
      property(array(record, { maxLength, size: 'max' }), (records) => {
        const ids = new RecordIds(folder, bounds, recent);
        const got = records.map((text) => ids.next(Buffer.from(text)));
        ids.close();
        assert.deepEqual(got, model(records));
      }),
      { numRuns: 25 },
    );
  });

test('one record over and over is counted, from the disk too', () => {
  const ids = new RecordIds(folder, TINY, 1);
  const records = Array.from({ length: 500 }, (_, index) => (index % 2 === 0 ? 'same' : `${index % 7}`));
  assert.deepEqual(
    records.map((text) => ids.next(Buffer.from(text))),
    model(records),
  );
  ids.close();
});

test('an id is the one that earlier versions gave', () => {
  const ids = new RecordIds(folder);
  const same = Buffer.from('{"a":1}');
  const id = 'AVq9f1zFei3ZS3WQ8ErYCA';
  assert.deepEqual([ids.next(same), ids.next(same), ids.next(same)], [id, `${id}-1`, `${id}-2`]);
  assert.equal(firstId(same), id);
  ids.close();
});

test('fingerprints that are anything but spread evenly are found all the same', () => {
  const word = oneof(
    integer({ min: 0, max: 3 }),
    constantFrom(0xffffffff, 0x80000000, 0x7fffffff),
    integer({ min: 0, max: 0xffffffff }),
  );
  const fingerprint = tuple(word, word).filter(([high, low]) => high !== 0 || low !== 0);
  check(
    property(array(fingerprint, { maxLength: 300, size: 'max' }), (fingerprints) => {
      const set = new Fingerprints(folder, TINY);
      const model = new Set<string>();
      for (const [high, low] of fingerprints) {
        assert.equal(set.has(high, low), model.has(`${high} ${low}`));
        assert.equal(set.add(high, low), !model.has(`${high} ${low}`));
        model.add(`${high} ${low}`);
      }
      for (const [high, low] of fingerprints) assert.ok(set.has(high, low));
      set.close();
    }),
    { numRuns: 30 },
  );
});

test('nothing is left on the disk, and a folder that takes nothing is told', () => {
  const own = mkdtempSync(join(folder, 'own-'));
  const ids = new RecordIds(own, TINY);
  for (let index = 0; index < 100; index += 1) ids.next(Buffer.from(String(index)));
  assert.deepEqual(readdirSync(own), []);
  ids.close();
  const file = join(own, 'file');
  writeFileSync(file, '');
  const nowhere = new RecordIds(file, TINY);
  assert.throws(
    () => {
      for (let index = 0; index < 100; index += 1) nowhere.next(Buffer.from(String(index)));
    },
    { code: 'SLUICE_SOURCE_FAILED', message: /ids of the dump's records cannot be kept/ },
  );
});

test('no step takes long, not even one that writes and joins runs of the real lengths', () => {
  const set = new Fingerprints(folder, { ...FINGERPRINT_BOUNDS, bits: 2 });
  let longest = 0;
  for (let round = 0; round < 30; round += 1) {
    const words = crypto.getRandomValues(new Uint32Array(16_000));
    for (let at = 0; at < words.length; at += 2) {
      const before = process.threadCpuUsage();
      set.add(words[at]!, words[at + 1]!);
      const { user, system } = process.threadCpuUsage(before);
      longest = Math.max(longest, (user + system) / 1000);
    }
  }
  set.close();
  assert.ok(longest < 25, `${longest} ms`);
});
