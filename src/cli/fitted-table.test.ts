import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shownBytes } from '../inference/store/shown-bytes.ts';
import { downloadLine } from './download-progress.ts';
import { fittedTable } from './fitted-table.ts';

test('a table fits a terminal of 80, and names are cut last', () => {
  const row = [
    'sentence-transformers__all-minilm-l6-v2',
    '0123456789ab-q8 *',
    'ner,text_embedding',
    '41.5 MB',
    'a,b,c,d',
  ];
  const lines = fittedTable(['ID', 'VERSION', 'TASK', 'SIZE', 'ALIASES'], [row], { keep: 2 }).split('\n');
  assert.ok(
    lines.every((line) => line.length <= 80),
    lines.join('\n'),
  );
  assert.ok(lines[1]!.includes('0123456789ab-q8 *') && lines[1]!.includes('-minilm-l6-v2'.slice(-6)), lines[1]);
  assert.equal(fittedTable(['A', 'B'], [['x', 'yy']]), 'A  B\nx  yy');
  assert.equal(fittedTable(['A'], []), 'A');
});

test('sizes and downloads are told as people read them', () => {
  assert.deepEqual([0, 999, 1000, 41_520_000, 999_950, 12_345_678_901].map(shownBytes), [
    '0 B',
    '999 B',
    '1.0 kB',
    '41.5 MB',
    '1.0 MB',
    '12.3 GB',
  ]);
  assert.equal(
    downloadLine('onnx/model.onnx', 50e6, 100e6, 40e6, 8),
    '50.0 MB of 100 MB  5.0 MB/s  10 s left  onnx/model.onnx',
  );
});
