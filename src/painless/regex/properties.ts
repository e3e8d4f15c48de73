import { complement, union } from './class-source.ts';

/** Java's names for sets of code points (`\p{…}`), and what they are in JavaScript under the `v` flag. */

/** POSIX classes: ASCII, unless UNICODE_CHARACTER_CLASS is on. */
const POSIX: ReadonlyMap<string, string> = new Map([
  ['Lower', '[a-z]'],
  ['Upper', '[A-Z]'],
  ['ASCII', '[\\x00-\\x7f]'],
  ['Alpha', '[A-Za-z]'],
  ['Digit', '[0-9]'],
  ['Alnum', '[0-9A-Za-z]'],
  ['Punct', '[\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e]'],
  ['Graph', '[\\x21-\\x7e]'],
  ['Print', '[\\x20-\\x7e]'],
  ['Blank', '[\\t\\x20]'],
  ['Cntrl', '[\\x00-\\x1f\\x7f]'],
  ['XDigit', '[0-9A-Fa-f]'],
  ['Space', '[\\t-\\r\\x20]'],
]);

const UNICODE_GRAPH = '[^\\p{White_Space}\\p{Cc}\\p{Cs}\\p{Cn}]';
const UNICODE_BLANK = '[\\p{Zs}\\t]';
const POSIX_UNICODE: ReadonlyMap<string, string> = new Map([
  ['LOWER', '\\p{Lowercase}'],
  ['UPPER', '\\p{Uppercase}'],
  ['ALPHA', '\\p{Alphabetic}'],
  ['DIGIT', '\\p{Nd}'],
  ['ALNUM', '[\\p{Alphabetic}\\p{Nd}]'],
  ['PUNCT', '\\p{P}'],
  ['GRAPH', UNICODE_GRAPH],
  ['PRINT', `[[${UNICODE_GRAPH}${UNICODE_BLANK}]&&\\P{Cc}]`],
  ['BLANK', UNICODE_BLANK],
  ['CNTRL', '\\p{Cc}'],
  ['XDIGIT', '[\\p{Nd}\\p{Hex_Digit}]'],
  ['SPACE', '\\p{White_Space}'],
]);

/** `\p{javaX}`: what `Character.isX` says. */
const JAVA_METHODS: ReadonlyMap<string, string> = new Map([
  ['LowerCase', '\\p{Lowercase}'],
  ['UpperCase', '\\p{Uppercase}'],
  ['TitleCase', '[\\p{Lt}]'],
  ['Alphabetic', '\\p{Alphabetic}'],
  ['Ideographic', '\\p{Ideographic}'],
  ['Digit', '\\p{Nd}'],
  ['Defined', '\\P{Cn}'],
  ['Letter', '\\p{L}'],
  ['LetterOrDigit', '[\\p{L}\\p{Nd}]'],
  ['SpaceChar', '\\p{Z}'],
  ['Whitespace', '[\\t-\\r\\x1c-\\x1f[\\p{Z}--[\\xa0\\u2007\\u202f]]]'],
  ['ISOControl', '\\p{Cc}'],
  ['Mirrored', '\\p{Bidi_Mirrored}'],
  ['JavaIdentifierStart', '[\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}]'],
]);

/** `\p{IsX}` with the names of binary properties, in capitals. */
const BINARY: ReadonlyMap<string, string> = new Map([
  ['ALPHABETIC', '\\p{Alphabetic}'],
  ['ASSIGNED', '\\P{Cn}'],
  ['CONTROL', '\\p{Cc}'],
  ['DIGIT', '\\p{Nd}'],
  ['EMOJI', '\\p{Emoji}'],
  ['EMOJI_COMPONENT', '\\p{Emoji_Component}'],
  ['EMOJI_MODIFIER', '\\p{Emoji_Modifier}'],
  ['EMOJI_MODIFIER_BASE', '\\p{Emoji_Modifier_Base}'],
  ['EMOJI_PRESENTATION', '\\p{Emoji_Presentation}'],
  ['EXTENDED_PICTOGRAPHIC', '\\p{Extended_Pictographic}'],
  ['HEXDIGIT', '[\\p{Nd}\\p{Hex_Digit}]'],
  ['HEX_DIGIT', '[\\p{Nd}\\p{Hex_Digit}]'],
  ['IDEOGRAPHIC', '\\p{Ideographic}'],
  ['JOINCONTROL', '\\p{Join_Control}'],
  ['JOIN_CONTROL', '\\p{Join_Control}'],
  ['LETTER', '\\p{L}'],
  ['LOWERCASE', '\\p{Lowercase}'],
  ['NONCHARACTERCODEPOINT', '\\p{Noncharacter_Code_Point}'],
  ['NONCHARACTER_CODE_POINT', '\\p{Noncharacter_Code_Point}'],
  ['PUNCTUATION', '\\p{P}'],
  ['TITLECASE', '[\\p{Lt}]'],
  ['UPPERCASE', '\\p{Uppercase}'],
  ['WHITESPACE', '\\p{White_Space}'],
  ['WHITE_SPACE', '\\p{White_Space}'],
  ['WORD', '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'],
]);

/** Blocks in daily use; JavaScript knows none, so the rest is refused. */
const BLOCKS: ReadonlyMap<string, string> = new Map([
  ['BASICLATIN', '[\\x00-\\x7f]'],
  ['LATIN1SUPPLEMENT', '[\\x80-\\xff]'],
  ['LATINEXTENDEDA', '[\\u0100-\\u017f]'],
  ['LATINEXTENDEDB', '[\\u0180-\\u024f]'],
  ['COMBININGDIACRITICALMARKS', '[\\u0300-\\u036f]'],
  ['GREEK', '[\\u0370-\\u03ff]'],
  ['GREEKANDCOPTIC', '[\\u0370-\\u03ff]'],
  ['CYRILLIC', '[\\u0400-\\u04ff]'],
  ['ARMENIAN', '[\\u0530-\\u058f]'],
  ['HEBREW', '[\\u0590-\\u05ff]'],
  ['ARABIC', '[\\u0600-\\u06ff]'],
  ['DEVANAGARI', '[\\u0900-\\u097f]'],
  ['THAI', '[\\u0e00-\\u0e7f]'],
  ['HANGULJAMO', '[\\u1100-\\u11ff]'],
  ['GENERALPUNCTUATION', '[\\u2000-\\u206f]'],
  ['CURRENCYSYMBOLS', '[\\u20a0-\\u20cf]'],
  ['LETTERLIKESYMBOLS', '[\\u2100-\\u214f]'],
  ['ARROWS', '[\\u2190-\\u21ff]'],
  ['MATHEMATICALOPERATORS', '[\\u2200-\\u22ff]'],
  ['BOXDRAWING', '[\\u2500-\\u257f]'],
  ['DINGBATS', '[\\u2700-\\u27bf]'],
  ['CJKSYMBOLSANDPUNCTUATION', '[\\u3000-\\u303f]'],
  ['HIRAGANA', '[\\u3040-\\u309f]'],
  ['KATAKANA', '[\\u30a0-\\u30ff]'],
  ['CJKUNIFIEDIDEOGRAPHS', '[\\u4e00-\\u9fff]'],
  ['HANGULSYLLABLES', '[\\uac00-\\ud7af]'],
  ['EMOTICONS', '[\\u{1f600}-\\u{1f64f}]'],
]);

/** Java's one-letter and two-letter categories, and the names of its own that stand beside them. */
const CATEGORY = /^(?:C[cfnos]?|L[CDlmotu1]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|all)$/;
const CATEGORIES: ReadonlyMap<string, string> = new Map([
  ['all', '[^]'],
  ['L1', '[\\x00-\\xff]'],
  ['LD', '[\\p{L}\\p{Nd}]'],
  ['LC', '[\\p{Ll}\\p{Lu}\\p{Lt}]'],
]);

const category = (name: string): string | undefined =>
  CATEGORY.test(name) ? (CATEGORIES.get(name) ?? `\\p{${name}}`) : undefined;

/** JavaScript wants a script's name in its own spelling: words with a capital each. */
const script = (name: string): string | undefined => {
  const spelled = name.toLowerCase().replace(/(?:^|_)\p{L}/gu, (start) => start.toUpperCase());
  const source = `\\p{Script=${spelled}}`;
  try {
    new RegExp(source, 'v');
    return source;
  } catch {
    return undefined;
  }
};

/** With (?i) the sets that tell cases apart match letters of either case. */
const CASED: ReadonlyMap<string, string> = new Map([
  ['[a-z]', '[A-Za-z]'],
  ['[A-Z]', '[A-Za-z]'],
  ['\\p{Lowercase}', '[\\p{Lowercase}\\p{Uppercase}\\p{Lt}]'],
  ['\\p{Uppercase}', '[\\p{Lowercase}\\p{Uppercase}\\p{Lt}]'],
  ['[\\p{Lt}]', '[\\p{Lowercase}\\p{Uppercase}\\p{Lt}]'],
  ['\\p{Lt}', '[\\p{Ll}\\p{Lu}\\p{Lt}]'],
  ['\\p{Ll}', '[\\p{Ll}\\p{Lu}\\p{Lt}]'],
  ['\\p{Lu}', '[\\p{Ll}\\p{Lu}\\p{Lt}]'],
]);

const PREFIXED: ReadonlyMap<string, (name: string) => string | undefined> = new Map([
  ['sc', script],
  ['script', script],
  ['gc', category],
  ['general_category', category],
  ['blk', (name) => BLOCKS.get(blockKey(name))],
  ['block', (name) => BLOCKS.get(blockKey(name))],
]);

const blockKey = (name: string): string => name.toUpperCase().replace(/[ _-]/g, '');

const lookUp = (name: string, unicode: boolean): string | undefined => {
  const equals = name.indexOf('=');
  if (equals >= 0) return PREFIXED.get(name.slice(0, equals).toLowerCase())?.(name.slice(equals + 1));
  if (name.startsWith('In')) return BLOCKS.get(blockKey(name.slice(2)));
  if (name.startsWith('Is')) {
    const rest = name.slice(2);
    const capitals = rest.toUpperCase();
    return BINARY.get(capitals) ?? POSIX_UNICODE.get(capitals) ?? category(rest) ?? script(rest);
  }
  if (unicode) {
    const source = POSIX_UNICODE.get(name.toUpperCase());
    if (source !== undefined) return source;
  }
  if (name.startsWith('java')) return JAVA_METHODS.get(name.slice(4));
  return category(name) ?? POSIX.get(name);
};

export interface PropertyModes {
  readonly ignoreCase: boolean;
  readonly unicode: boolean;
}

/** JavaScript source for `\p{name}`, or undefined where there is none. */
export const propertySource = (name: string, { ignoreCase, unicode }: PropertyModes): string | undefined => {
  const source = lookUp(name, unicode);
  return source !== undefined && ignoreCase ? (CASED.get(source) ?? source) : source;
};

const HORIZONTAL = '[\\t\\x20\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]';
const VERTICAL = '[\\n-\\r\\x85\\u2028\\u2029]';
export const WORD = '[0-9A-Za-z_]';
export const UNICODE_WORD = BINARY.get('WORD') ?? WORD;
export const LINE_BREAK_ONE = VERTICAL;

/** `\d` and its kin: the sets by letter, small letters only. */
const PREDEFINED: ReadonlyMap<string, readonly [ascii: string, unicode: string]> = new Map([
  ['d', ['[0-9]', '\\p{Nd}']],
  ['s', ['[\\t-\\r\\x20]', '\\p{White_Space}']],
  ['w', [WORD, UNICODE_WORD]],
  ['h', [HORIZONTAL, HORIZONTAL]],
  ['v', [VERTICAL, VERTICAL]],
]);

/** JavaScript source for `\d`, `\D` …, or undefined where the letter stands for no set. */
export const predefinedSource = (letter: string, unicode: boolean): string | undefined => {
  const small = letter.toLowerCase();
  const source = PREDEFINED.get(small)?.[unicode ? 1 : 0];
  if (source === undefined || small === letter) return source;
  return complement(union([source]));
};
