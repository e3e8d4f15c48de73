import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ChunkingSettings, chunkingSettings, chunksOf } from './chunking.ts';

const chunks = (text: string, settings: object) =>
  chunksOf(text, chunkingSettings.parse(settings)).map(({ start, end }) => text.slice(start, end));
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `w${from + at}`).join(' ');

describe('chunking, as the settings of an inference endpoint say it', () => {
  test('word: chunks of so many words, neighbours share some', () => {
    const text = numbered(1, 25);
    assert.deepEqual(chunks(text, { strategy: 'word', max_chunk_size: 10, overlap: 0 }), [
      numbered(1, 10),
      ` ${numbered(11, 20)}`,
      ` ${numbered(21, 25)}`,
    ]);
    assert.deepEqual(chunks(text, { strategy: 'word', max_chunk_size: 10, overlap: 4 }), [
      numbered(1, 10),
      ` ${numbered(7, 16)}`,
      ` ${numbered(13, 22)}`,
      ` ${numbered(19, 25)}`,
    ]);
  });

  test('sentence: whole sentences as long as they fit, and one of them again', () => {
    const sentence = (name: string) => `${name} one two three four five six seven. `;
    const text = ['A', 'B', 'C', 'D'].map(sentence).join('');
    const settings = { strategy: 'sentence', max_chunk_size: 20, sentence_overlap: 0 };
    assert.deepEqual(chunks(text, settings), [sentence('A') + sentence('B'), sentence('C') + sentence('D')]);
    assert.deepEqual(chunks(text, { ...settings, sentence_overlap: 1 }), [
      sentence('A') + sentence('B'),
      sentence('B') + sentence('C'),
      sentence('C') + sentence('D'),
    ]);
    const long = `${numbered(1, 45)}. Short one.`;
    assert.deepEqual(chunks(long, settings), [
      numbered(1, 20),
      ` ${numbered(21, 40)}`,
      ` ${numbered(41, 45)}. `,
      'Short one.',
    ]);
  });

  test('recursive: at the strongest separator that makes them small enough', () => {
    const part = (title: string, words: number) => `\n# ${title}\n${numbered(1, words)}`;
    const text = `${numbered(1, 4)}${part('a', 4)}${part('b', 12)}`;
    assert.deepEqual(chunks(text, { strategy: 'recursive', max_chunk_size: 10, separator_group: 'markdown' }), [
      `${numbered(1, 4)}${part('a', 4)}`,
      '\n# b',
      `\n${numbered(1, 10)}`,
      ' w11 w12',
    ]);
    assert.deepEqual(
      chunks('one two three|four five six seven|eight nine ten eleven', {
        strategy: 'recursive',
        max_chunk_size: 10,
        separators: ['|'],
      }),
      ['one two three|four five six seven', '|eight nine ten eleven'],
    );
  });

  test('none: the text as it is, also an empty one', () => {
    assert.deepEqual(chunks('All of it. At once.', { strategy: 'none' }), ['All of it. At once.']);
    for (const strategy of ['word', 'sentence'])
      assert.deepEqual(chunks('', { strategy, ...(strategy === 'word' && { overlap: 0 }) }), ['']);
  });

  test('refuses what Elasticsearch refuses', () => {
    for (const settings of [
      { strategy: 'word', max_chunk_size: 9 },
      { strategy: 'word', max_chunk_size: 10, overlap: 6 },
      { strategy: 'sentence', max_chunk_size: 19 },
      { strategy: 'sentence', sentence_overlap: 2 },
      { strategy: 'recursive' },
      { strategy: 'recursive', separators: ['a'], separator_group: 'markdown' },
      { strategy: 'letters' },
    ])
      assert.equal(chunkingSettings.safeParse(settings).success, false, JSON.stringify(settings));
  });

  test('nothing of the text is lost, and no chunk is too long', () => {
    const word = fc.constantFrom('one', 'two', 'Привет', '東京', 'a.b', '—', '\n\n', '\n# ', '. ', 'x1', '😀');
    const text = fc.array(word, { maxLength: 200 }).map((all) => all.join(' '));
    const settings = fc.constantFrom<ChunkingSettings>(
      { strategy: 'word', max_chunk_size: 10, overlap: 3 },
      { strategy: 'sentence', max_chunk_size: 20, sentence_overlap: 1 },
      { strategy: 'sentence', max_chunk_size: 20, sentence_overlap: 0 },
      { strategy: 'recursive', max_chunk_size: 12, separator_group: 'markdown' },
    );
    const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
    fc.assert(
      fc.property(text, settings, (whole, chosen) => {
        const found = chunksOf(whole, chosen);
        let covered = 0;
        for (const { start, end } of found) {
          assert.ok(start <= covered && end >= covered, 'no gap');
          covered = end;
          const count = [...segmenter.segment(whole.slice(start, end))].filter(({ isWordLike }) => isWordLike).length;
          assert.ok(chosen.strategy === 'none' || count <= chosen.max_chunk_size + 1, `${count} words`);
        }
        assert.equal(covered, whole.length);
      }),
    );
  });
});
