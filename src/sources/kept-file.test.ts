import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import type { SluiceError } from '../core/errors.ts';
import { keepCheckpoint } from './kept-file.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-kept-'));
after(() => rmSync(root, { recursive: true }));
let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(root, 'case-')), 'c.json');
});
const kept = () => JSON.parse(readFileSync(path, 'utf8')) as unknown;
/** Whatever is written beside the checkpoint finds no room. */
const fillUp = () => symlinkSync('/dev/full', `${path}.tmp`);
const full = (error: SluiceError) =>
  error.code === 'SLUICE_CHECKPOINT' &&
  /cannot be written: ENOSPC/.test(error.message) &&
  error.place === path &&
  /Make room/.test(error.hint!) &&
  (error.cause as NodeJS.ErrnoException).code === 'ENOSPC';

describe('a checkpoint', { skip: process.platform !== 'linux' && 'there is no /dev/full' }, () => {
  test('is written over the old one where the disk is full', async () => {
    await keepCheckpoint(path, { position: '9' });
    fillUp();
    await keepCheckpoint(path, { position: '1000000000000' });
    assert.deepEqual(kept(), { position: '1000000000000' });
    await keepCheckpoint(path, { position: '1' });
    assert.deepEqual(kept(), { position: '1' });
  });

  test('stays as it was where the new one takes more room than it has', async () => {
    await keepCheckpoint(path, { position: '9' });
    fillUp();
    await assert.rejects(keepCheckpoint(path, { position: '9'.repeat(2000) }), full);
    assert.deepEqual(kept(), { position: '9' });
  });

  test('that cannot even begin says so', async () => {
    fillUp();
    await assert.rejects(keepCheckpoint(path, {}), full);
    writeFileSync(join(root, 'file'), '');
    await assert.rejects(keepCheckpoint(join(root, 'file', 'c.json'), {}), { code: 'SLUICE_CHECKPOINT' });
  });
});
