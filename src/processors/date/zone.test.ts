import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { momentOf, offsetId, zoneOf } from './zone.ts';

const second = (iso: string) => Date.parse(iso) / 1000;

describe('zones', () => {
  const fixed: [id: string, offset: number, canonical: string][] = [
    ['Z', 0, 'Z'],
    ['UTC', 0, 'UTC'],
    ['+2', 7200, '+02:00'],
    ['-0230', -9000, '-02:30'],
    ['+01:02:03', 3723, '+01:02:03'],
    ['UTC+5', 18_000, 'UTC+05:00'],
    ['GMT-03:30', -12_600, 'GMT-03:30'],
  ];
  for (const [id, offset, canonical] of fixed) {
    test(id, () => {
      assert.equal(zoneOf(id).offsetAt(0), offset);
      assert.equal(zoneOf(id).id, canonical);
    });
  }

  for (const id of ['', 'Mars/Base', '+25', '+18:30', '+01:60', 'Z+1', '+1:2', 'europe/paris'])
    test(`[${id}] is none`, () => assert.throws(() => zoneOf(id), { message: `Unknown time-zone ID: ${id}` }));

  test('regions follow their clocks through the years', () => {
    const paris = zoneOf('Europe/Paris');
    assert.equal(paris.offsetAt(second('2020-01-01T00:00:00Z')), 3600);
    assert.equal(paris.offsetAt(second('2020-03-29T00:59:59Z')), 3600);
    assert.equal(paris.offsetAt(second('2020-03-29T01:00:00Z')), 7200);
    assert.equal(paris.offsetAt(second('1965-07-01T00:00:00Z')), 3600);
    assert.equal(offsetId(zoneOf('Asia/Kathmandu').offsetAt(second('2020-01-01T00:00:00Z'))), '+05:45');
  });

  test('a time that clocks skip is read with the offset before, one they show twice is the earlier', () => {
    const paris = zoneOf('Europe/Paris');
    assert.equal(momentOf(second('2020-03-29T02:30:00Z'), paris), second('2020-03-29T01:30:00Z'));
    assert.equal(momentOf(second('2020-10-25T02:30:00Z'), paris), second('2020-10-25T00:30:00Z'));
    assert.equal(momentOf(second('2020-10-25T03:00:00Z'), paris), second('2020-10-25T02:00:00Z'));
  });
});
