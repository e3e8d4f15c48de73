import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../windows.ts';
import { annotate, entitiesOf, tagsOf } from './ner.ts';

/** Entities of a text whose words are the pieces, each with the label that is named for it. */
const found = (text: string, labels: readonly string[], of: readonly string[]): [string, string][] => {
  const matches = [...text.matchAll(/\S+/g)];
  const window = {
    start: 0,
    end: text.length,
    pieces: {
      ids: matches.map((_, index) => index),
      starts: matches.map(({ index }) => index),
      ends: matches.map(({ index, 0: word }) => index + word.length),
      words: matches.map((_, index) => index),
    },
    coreFrom: 0,
    coreTo: matches.length,
  } satisfies Window;
  const logits = new Float32Array(matches.length * labels.length);
  of.forEach((label, word) => {
    logits[word * labels.length + labels.indexOf(label)] = 9;
  });
  return entitiesOf(text, window, logits, tagsOf(labels), 'average').map(({ entity, class_name }) => [
    entity,
    class_name,
  ]);
};

const TEXT = 'Ada Lovelace met Charles Babbage London';

test('BIO: B always starts, I goes on or starts where none runs', () => {
  const labels = ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC'];
  assert.deepEqual(found(TEXT, labels, ['B-PER', 'I-PER', 'O', 'B-PER', 'B-PER', 'I-LOC']), [
    ['Ada Lovelace', 'PER'],
    ['Charles', 'PER'],
    ['Babbage', 'PER'],
    ['London', 'LOC'],
  ]);
});

test('IOBES and BILOU: E, L, S and U end an entity, so that neighbours of one class stay two', () => {
  for (const [end, single] of [
    ['E', 'S'],
    ['L', 'U'],
  ]) {
    const labels = ['O', 'B-PER', 'I-PER', `${end}-PER`, `${single}-PER`, `${single}-LOC`];
    assert.deepEqual(
      found(TEXT, labels, ['B-PER', `${end}-PER`, 'O', `${single}-PER`, `${single}-PER`, `${single}-LOC`]),
      [
        ['Ada Lovelace', 'PER'],
        ['Charles', 'PER'],
        ['Babbage', 'PER'],
        ['London', 'LOC'],
      ],
    );
  }
});

test("Elasticsearch's own spelling B_PER, and labels without a prefix", () => {
  assert.deepEqual(found('Ada met', ['O', 'B_PER'], ['B_PER', 'O']), [['Ada', 'PER']]);
  assert.deepEqual(found('Ada Lovelace met', ['O', 'PER'], ['PER', 'PER', 'O']), [['Ada Lovelace', 'PER']]);
});

test('the annotated text escapes as Java does', () => {
  const entity = { class_name: 'ORG', class_probability: 1 };
  assert.equal(
    annotate("At&T (Łódź)'s", [
      { ...entity, entity: 'At&T', start_pos: 0, end_pos: 4 },
      { ...entity, entity: "(Łódź)'s", start_pos: 5, end_pos: 13 },
    ]),
    "[At&T](ORG&At%26T) [(Łódź)'s](ORG&%28%C5%81%C3%B3d%C5%BA%29%27s)",
  );
});
