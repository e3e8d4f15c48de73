import { asciiFoldedRange, codePointSource } from './class-source.ts';
import { anchorEscape, caret, dollar, dot } from './java-anchors.ts';
import { parseClass } from './java-class.ts';
import { escapedCodePoint, propertyEscape, quoted, refusedEscape } from './java-escape.ts';
import { FLAG, flagBits } from './java-flags.ts';
import { parseQuantifier } from './java-quantifier.ts';
import { JavaReader } from './java-reader.ts';
import { LINE_BREAK_ONE, predefinedSource } from './properties.ts';
import { hasReference, type Node, type Syntax } from './syntax.ts';

/** Deeper nesting than any pattern written by a person; keeps the recursion off the end of the stack. */
const MAX_DEPTH = 250;

/** Parses a pattern as `java.util.regex.Pattern` reads it. */
export const parseJava = (pattern: string, flags: number): Syntax => new JavaParser(pattern, flags).parse();

class JavaParser {
  readonly #reader: JavaReader;
  readonly #names = new Map<string, number>();
  #groups = 0;
  #depth = 0;

  constructor(pattern: string, flags: number) {
    this.#reader = new JavaReader(pattern, flags);
  }

  parse(): Syntax {
    const reader = this.#reader;
    if (reader.has(FLAG.l)) {
      reader.flags &= ~FLAG.x;
      const items = Array.from(reader.text, (char) => this.#literal(char.codePointAt(0)!));
      return { root: { kind: 'sequence', items }, groupCount: 0, groupNames: this.#names };
    }
    const root = this.#alternatives();
    if (!reader.ended) reader.fail("Unmatched closing ')'");
    return { root, groupCount: this.#groups, groupNames: this.#names };
  }

  #alternatives(): Node {
    const branches: Node[] = [this.#sequence()];
    while (this.#reader.accept('|')) branches.push(this.#sequence());
    return branches.length === 1 ? branches[0]! : { kind: 'choice', branches };
  }

  #sequence(): Node {
    const items: Node[] = [];
    for (;;) {
      const char = this.#reader.peek();
      if (char === '' || char === '|' || char === ')') return { kind: 'sequence', items };
      const before = items.length;
      this.#atom(char, items);
      // An inline flag adds nothing, so nothing may be repeated behind it.
      if (items.length > before) items.push(this.#repeat(items.pop()!));
    }
  }

  #atom(char: string, items: Node[]): void {
    const reader = this.#reader;
    const index = reader.index;
    reader.next();
    switch (char) {
      case '(':
        this.#group(items, index);
        return;
      case '[':
        items.push({ kind: 'one', source: parseClass(reader) });
        return;
      case '\\':
        this.#escape(items, index);
        return;
      case '^':
        items.push({ kind: 'assertion', source: caret(reader.flags) });
        return;
      case '$':
        items.push({ kind: 'assertion', source: dollar(reader.flags) });
        return;
      case '.':
        items.push({ kind: 'one', source: dot(reader.flags) });
        return;
      case '*':
      case '+':
      case '?':
        reader.fail(`Dangling meta character '${char}'`, index);
        return;
      case '{':
        reader.fail('Illegal repetition', index);
        return;
      default:
        items.push(this.#literal(char.codePointAt(0)!));
    }
  }

  #literal(codePoint: number): Node {
    const reader = this.#reader;
    if (!reader.has(FLAG.i)) return { kind: 'one', source: codePointSource(codePoint) };
    if (reader.has(FLAG.u)) {
      const char = String.fromCodePoint(codePoint);
      const cased = char.toLowerCase() !== char || char.toUpperCase() !== char;
      const source = codePointSource(codePoint);
      return { kind: 'one', source: cased ? `(?i:${source})` : source };
    }
    const folded = asciiFoldedRange(codePoint, codePoint);
    const source = codePointSource(codePoint);
    return { kind: 'one', source: folded === source ? source : `[${folded}]` };
  }

  #escape(items: Node[], index: number): void {
    const reader = this.#reader;
    const letter = reader.nextRaw();
    if (letter === '') reader.fail('Unescaped trailing backslash', index);
    if (letter === 'Q') {
      items.push(...quoted(reader).map((codePoint) => this.#literal(codePoint)));
      return;
    }
    if (letter === 'b' && reader.looksAt('{')) reader.fail('\\b{g} is not supported', index);
    const anchor = anchorEscape(letter, reader.flags);
    if (anchor !== undefined) items.push({ kind: 'assertion', source: anchor });
    else if (letter === 'R') items.push(LINE_BREAK);
    else if (letter === 'k') items.push(this.#namedReference(index));
    else if (letter >= '1' && letter <= '9') items.push(this.#numberedReference(Number(letter), index));
    else {
      const set =
        predefinedSource(letter, reader.has(FLAG.U)) ??
        (letter === 'p' || letter === 'P' ? propertyEscape(reader, letter) : undefined);
      if (set !== undefined) items.push({ kind: 'one', source: set });
      else items.push(this.#literal(escapedCodePoint(reader, letter) ?? refusedEscape(reader, letter, index)));
    }
  }

  #namedReference(index: number): Node {
    const reader = this.#reader;
    if (reader.nextRaw() !== '<') reader.fail("\\k is not followed by '<' for named capturing group", index);
    const name = this.#name();
    const group = this.#names.get(name);
    if (group === undefined) return reader.fail(`named capturing group <${name}> does not exist`, index);
    return { kind: 'reference', group, ignoreCase: reader.has(FLAG.i), index };
  }

  /** More digits belong to the number only while there are that many groups before it. */
  #numberedReference(first: number, index: number): Node {
    const reader = this.#reader;
    let group = first;
    for (;;) {
      const digit = reader.raw();
      if (!/^[0-9]$/.test(digit) || group * 10 + Number(digit) > this.#groups) break;
      group = group * 10 + Number(reader.nextRaw());
    }
    return { kind: 'reference', group, ignoreCase: reader.has(FLAG.i), index };
  }

  #name(): string {
    const reader = this.#reader;
    const match = /^[A-Za-z][A-Za-z0-9]*/.exec(reader.text.slice(reader.index, reader.index + 200));
    if (match === null) return reader.fail('capturing group name does not start with a Latin letter');
    reader.index += match[0].length;
    if (reader.nextRaw() !== '>') reader.fail("named capturing group is missing trailing '>'");
    return match[0];
  }

  #group(items: Node[], index: number): void {
    const reader = this.#reader;
    const flags = reader.flags;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) reader.fail(`groups nest deeper than ${MAX_DEPTH}`, index);
    if (!reader.looksAt('?')) {
      this.#groups += 1;
      const group = this.#groups;
      items.push({ kind: 'capture', group, body: this.#body(index) });
    } else {
      reader.index += 1;
      if (this.#special(items, index)) {
        this.#depth -= 1;
        return;
      }
    }
    this.#depth -= 1;
    reader.flags = flags;
  }

  #body(index: number): Node {
    const body = this.#alternatives();
    if (!this.#reader.accept(')')) this.#reader.fail('Unclosed group', index);
    return body;
  }

  /** `(?…`; true where it was flags for the rest of the enclosing group. */
  #special(items: Node[], index: number): boolean {
    const reader = this.#reader;
    const kind = reader.nextRaw();
    switch (kind) {
      case ':':
        items.push(this.#body(index));
        return false;
      case '>':
        items.push({ kind: 'atomic', body: this.#body(index) });
        return false;
      case '=':
      case '!':
        items.push({ kind: 'look', behind: false, negate: kind === '!', body: this.#body(index) });
        return false;
      case '<':
        this.#angle(items, index);
        return false;
      default:
        reader.index -= kind.length;
        return this.#flags(items, index);
    }
  }

  #angle(items: Node[], index: number): void {
    const reader = this.#reader;
    const char = reader.raw();
    if (char === '=' || char === '!') {
      reader.index += 1;
      const body = this.#body(index);
      // Java runs look-behinds forward and JavaScript backward: a reference would see another text.
      if (hasReference(body)) reader.fail('a reference in a look-behind is not supported', index);
      items.push({ kind: 'look', behind: true, negate: char === '!', body });
      return;
    }
    const name = this.#name();
    if (this.#names.has(name)) reader.fail(`Named capturing group <${name}> is already defined`, index);
    this.#groups += 1;
    const group = this.#groups;
    this.#names.set(name, group);
    items.push({ kind: 'capture', group, body: this.#body(index) });
  }

  #flags(items: Node[], index: number): boolean {
    const reader = this.#reader;
    let on = true;
    for (;;) {
      const letter = reader.nextRaw();
      if (letter === ')') return true;
      if (letter === ':') {
        items.push(this.#body(index));
        return false;
      }
      const bits = letter === 'l' ? undefined : flagBits(letter);
      if (letter === '-' && on) on = false;
      else if (letter === 'c') reader.fail('(?c) (canonical equivalence) is not supported', index);
      else if (bits === undefined) reader.fail('Unknown inline modifier or group', index);
      else reader.flags = on ? reader.flags | bits : reader.flags & ~bits;
    }
  }

  #repeat(body: Node): Node {
    const quantifier = parseQuantifier(this.#reader);
    if (quantifier === undefined) return body;
    // Repeated, a pair of `\r` and `\n` is never taken apart again.
    return { kind: 'repeat', ...quantifier, body: body === LINE_BREAK ? { kind: 'atomic', body } : body };
  }
}

/** `\R`: a pair counts as one break where it can. */
const LINE_BREAK: Node = {
  kind: 'choice',
  branches: [
    {
      kind: 'sequence',
      items: [
        { kind: 'one', source: '\\r' },
        { kind: 'one', source: '\\n' },
      ],
    },
    { kind: 'one', source: LINE_BREAK_ONE },
  ],
};
