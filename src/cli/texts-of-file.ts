import { createInterface } from 'node:readline';
import { SluiceError } from '../core/errors.ts';
import { findFiles, openFile } from '../sources/dump/files.ts';

/** Fields that hold the text where none is named, the first that is there. */
const USUAL = ['text_field', 'text', 'body', 'content', 'message', 'title'];

/**
 * Texts of files, plain or compressed: a field of each NDJSON document, or each line as it is.
 * @param limit texts at most
 * @throws SluiceError SLUICE_USAGE where there are none, SLUICE_SOURCE_UNREADABLE
 */
export const textsOfFile = async (pattern: string, field: string | undefined, limit: number): Promise<string[]> => {
  const texts: string[] = [];
  for (const file of await findFiles([pattern])) {
    if (texts.length >= limit) break;
    const { stream } = openFile(file);
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      const text = textOf(line, field);
      if (text !== undefined && text.trim() !== '') texts.push(text);
      if (texts.length >= limit) break;
    }
    stream.destroy();
  }
  if (texts.length > 0) return texts;
  throw new SluiceError('SLUICE_USAGE', `no text was found in [${pattern}]`, {
    hint:
      field === undefined
        ? `Name the field that holds it with --field; looked for [${USUAL.join(', ')}].`
        : `No document has a string in [${field}].`,
  });
};

const textOf = (line: string, field: string | undefined): string | undefined => {
  if (!line.startsWith('{')) return line;
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const found = field === undefined ? USUAL.map((name) => document[name]) : [valueAt(document, field)];
  return found.find((value): value is string => typeof value === 'string');
};

const valueAt = (document: Record<string, unknown>, path: string): unknown => {
  let value: unknown = document;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
};
