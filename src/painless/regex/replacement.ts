import { RegexError } from './regex-error.ts';

/** A replacement in Java's writing: texts, and the numbers of groups. */
export type Replacement = readonly (string | number)[];

/**
 * Reads `$1`, `${name}` and `\$` as `Matcher.appendReplacement` does.
 * @throws RegexError with Java's words; the index is in the replacement
 */
export const parseReplacement = (
  text: string,
  groupCount: number,
  groupNames: ReadonlyMap<string, number>,
): Replacement => {
  const parts: (string | number)[] = [];
  let literal = '';
  let at = 0;
  const group = (index: number): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(index);
  };
  while (at < text.length) {
    const char = text.charAt(at);
    at += 1;
    if (char === '\\') {
      if (at === text.length) throw new RegexError('character to be escaped is missing', at);
      literal += text.charAt(at);
      at += 1;
    } else if (char !== '$') literal += char;
    else if (at === text.length) throw new RegexError('Illegal group reference: group index is missing', at);
    else if (text.charAt(at) === '{') {
      const [name, end] = readName(text, at + 1);
      const index = groupNames.get(name);
      if (index === undefined) throw new RegexError(`No group with name {${name}}`, at);
      group(index);
      at = end;
    } else {
      const [index, end] = readNumber(text, at, groupCount);
      group(index);
      at = end;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
};

const readName = (text: string, start: number): readonly [string, number] => {
  let end = start;
  while (/[0-9A-Za-z]/.test(text.charAt(end))) end += 1;
  const name = text.slice(start, end);
  if (name === '') throw new RegexError("named capturing group is missing trailing '}'", start);
  if (text.charAt(end) !== '}') throw new RegexError("named capturing group is missing trailing '}'", end);
  if (/^[0-9]/.test(name)) throw new RegexError(`capturing group name {${name}} starts with digit character`, start);
  return [name, end + 1];
};

/** Takes digits as long as there is a group of that number. */
const readNumber = (text: string, start: number, groupCount: number): readonly [number, number] => {
  if (!/[0-9]/.test(text.charAt(start))) throw new RegexError('Illegal group reference', start);
  let index = Number(text.charAt(start));
  if (index > groupCount) throw new RegexError(`Illegal group reference: No group ${index}`, start);
  let end = start + 1;
  while (/[0-9]/.test(text.charAt(end)) && index * 10 + Number(text.charAt(end)) <= groupCount) {
    index = index * 10 + Number(text.charAt(end));
    end += 1;
  }
  return [index, end];
};
