import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { CrashJournal, journalKey } from './crash-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-crashes-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const key = (text: string) => journalKey('model', text);
const script = new URL('./crash-journal.ts', import.meta.url).href;

/** Another process takes up texts and dies by a signal, as native code does. */
const die = (...texts: string[]): void => {
  const { signal, stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { CrashJournal, journalKey } from ${JSON.stringify(script)};
       const journal = new CrashJournal(${JSON.stringify(folder)});
       for (const text of ${JSON.stringify(texts)}) journal.enter(journalKey('model', text));
       process.kill(process.pid, 'SIGKILL');`,
    ],
    { encoding: 'utf8' },
  );
  assert.equal(signal, 'SIGKILL', stderr);
};

describe('the crash journal', () => {
  test('counts the deaths with a text in flight, over processes', () => {
    die('a', 'b');
    die('b', 'c');
    const journal = new CrashJournal(folder);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((text) => journal.deaths(key(text))),
      [1, 2, 1, 0],
    );
    journal.close();
  });

  test('a text that came out again is no suspect, even after another start', () => {
    die('a', 'b');
    const journal = new CrashJournal(folder);
    journal.leave(key('a'), journal.enter(key('a'))!, true);
    journal.close();
    const next = new CrashJournal(folder);
    assert.deepEqual([next.deaths(key('a')), next.deaths(key('b'))], [0, 1]);
    next.close();
  });

  test('a text whose thread ended while the process lives stays a suspect', () => {
    die('a');
    const journal = new CrashJournal(folder);
    journal.leave(key('a'), journal.enter(key('a'))!, false);
    assert.equal(journal.deaths(key('a')), 1);
    journal.close();
  });

  test('a place is used again: the file is as large as what ran at once', () => {
    const journal = new CrashJournal(folder);
    for (let n = 0; n < 100; n += 1) journal.leave(key(`${n}`), journal.enter(key(`${n}`))!, true);
    const [name] = readdirSync(folder);
    assert.equal(readFileSync(join(folder, name!), 'latin1'), `${' '.repeat(32)}\n`);
    journal.close();
  });

  test('two deaths: the text waits until nothing else runs, and nothing else runs beside it', () => {
    die('a');
    die('a');
    const journal = new CrashJournal(folder);
    let rooms = 0;
    journal.onRoom(() => (rooms += 1));
    const before = journal.enter(key('before'))!;
    assert.equal(journal.enter(key('a')), undefined, 'another one runs');
    assert.equal(journal.enter(key('late')), undefined, 'newcomers would starve it');
    assert.equal(rooms, 0);
    journal.leave(key('before'), before, true);
    assert.equal(rooms, 1);
    const place = journal.enter(key('a'))!;
    assert.notEqual(place, undefined);
    assert.equal(journal.enter(key('late')), undefined, 'it runs alone');
    assert.equal(journal.enter(key('a')), undefined, 'not twice either');
    journal.leave(key('a'), place, true);
    assert.equal(rooms, 2);
    assert.notEqual(journal.enter(key('late')), undefined);
    journal.close();
  });

  test('one that is no longer wanted does not hold the others up', () => {
    die('a');
    die('a');
    const journal = new CrashJournal(folder);
    journal.enter(key('before'));
    assert.equal(journal.enter(key('a')), undefined);
    journal.withdraw(key('a'));
    assert.notEqual(journal.enter(key('late')), undefined);
    journal.close();
  });

  test('an orderly end leaves nothing behind', () => {
    const journal = new CrashJournal(folder);
    journal.enter(key('a'));
    journal.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('says nothing of what is in a text', () => {
    die('Ada Lovelace');
    const all = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
    assert.match(all.join(''), /[0-9a-f]{32}/);
    assert.doesNotMatch(all.join(''), /Ada|Lovelace/);
  });

  test('a damaged list of suspects is like none', () => {
    writeFileSync(join(folder, 'suspects.json'), '{"a');
    const journal = new CrashJournal(folder);
    assert.equal(journal.deaths('a'), 0);
    journal.close();
  });
});
