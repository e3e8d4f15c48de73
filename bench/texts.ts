import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { sentencesOf } from '../src/inference/windows.ts';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Sentences a document of the default texts has: some 80 tokens, as in the figures of the README. */
const SENTENCES = 3;

/**
 * Distinct texts: of a file (NDJSON with a `text` or `body`, plain or .gz), or short documents of three sentences each
 * from the sample articles.
 */
export const readTexts = (file: string | undefined, count: number): string[] => {
  const texts = new Set<string>();
  for (const text of file === undefined ? samples() : fromFile(file)) {
    if (texts.size >= count) break;
    texts.add(text);
  }
  return [...texts];
};

function* samples(): Generator<string> {
  for (const line of readFileSync(`${root}samples/articles.ndjson`, 'utf8').trimEnd().split('\n')) {
    const { body } = JSON.parse(line) as { body: string };
    const sentences = sentencesOf(body).map(({ start, end }) => body.slice(start, end));
    for (let at = 0; at < sentences.length; at += SENTENCES)
      yield sentences
        .slice(at, at + SENTENCES)
        .join('')
        .trim();
  }
}

function* fromFile(file: string): Generator<string> {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const value = JSON.parse(line) as { text?: string; body?: string };
    const found = value.text ?? value.body;
    if (found !== undefined) yield found;
  }
}
