import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyTable } from './key-table.ts';
import { recordKey } from './record.ts';

test('the table of places finds every key while it grows, and forgets segments that are gone', () => {
  const table = new KeyTable();
  const lives = (segment: number) => segment !== 1;
  for (let n = 0; n < 20_000; n += 1)
    table.set(recordKey(`${n}`), { segment: n < 1000 ? 1 : 2, offset: n, length: n + 40 }, lives);
  for (let n = 1000; n < 20_000; n += 1)
    assert.deepEqual(table.get(recordKey(`${n}`)), { segment: 2, offset: n, length: n + 40 });
  assert.equal(table.get(recordKey('1')), undefined);
  assert.equal(table.get(recordKey('none')), undefined);
  table.set(recordKey('1000'), { segment: 3, offset: 1, length: 50 }, lives);
  assert.equal(table.get(recordKey('1000'))?.segment, 3);
});
