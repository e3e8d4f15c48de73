export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly name: string; readonly raw: boolean }
  | SectionNode
  | FunctionNode;

export interface SectionNode {
  readonly kind: 'section';
  readonly name: string;
  readonly inverted: boolean;
  readonly nodes: readonly Node[];
}

/** A function of Elasticsearch's; `toJson` and `join` take the name of a value, `url` any template. */
export type FunctionNode =
  | { readonly kind: 'toJson'; readonly name: string }
  | { readonly kind: 'join'; readonly name: string; readonly delimiter: string }
  | { readonly kind: 'url'; readonly nodes: readonly Node[] };

/** A template that cannot be parsed. */
export class TemplateError extends Error {
  override name = 'TemplateError';
  /** Zero-based offset in the template. */
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`);
    this.offset = offset;
  }
}

const MAX_DEPTH = 100;

interface Open {
  readonly name: string;
  readonly inverted: boolean;
  readonly nodes: Node[];
  readonly offset: number;
}

/** @throws TemplateError */
export const parseTemplate = (source: string): Node[] => {
  const root: Node[] = [];
  const stack: Open[] = [];
  const push = (node: Node) => (stack.at(-1)?.nodes ?? root).push(node);
  const text = (from: number, to: number) => {
    if (to > from) push({ kind: 'text', text: source.slice(from, to) });
  };
  let at = 0;
  for (let start = source.indexOf('{{'); start >= 0; start = source.indexOf('{{', at)) {
    const tag = readTag(source, start);
    const { mark, name } = tag;
    const line = mark === '#' || mark === '^' || mark === '/' ? ownLine(source, start, tag.end) : undefined;
    text(at, line === undefined ? start : Math.max(at, line.start));
    at = line?.end ?? tag.end;
    if (mark === '!') continue;
    if (mark === '#' || mark === '^') {
      if (stack.length >= MAX_DEPTH) throw new TemplateError(`sections nest deeper than ${MAX_DEPTH}`, start);
      stack.push({ name, inverted: mark === '^', nodes: [], offset: start });
    } else if (mark === '/') {
      const open = stack.pop();
      if (open === undefined) throw new TemplateError(`[{{/${name}}}] closes nothing`, start);
      if (open.name !== name)
        throw new TemplateError(`[{{/${name}}}] closes [${open.name}] of offset ${open.offset}`, start);
      push(close(open));
    } else {
      if (name === '') throw new TemplateError('an empty tag', start);
      push({ kind: 'value', name, raw: mark !== '' });
    }
  }
  text(at, source.length);
  const open = stack.at(-1);
  if (open !== undefined)
    throw new TemplateError(`[{{${open.inverted ? '^' : '#'}${open.name}}}] is never closed`, open.offset);
  return root;
};

interface Tag {
  /** What stands before the name: one of `# ^ / ! &`, `{` for three braces, or nothing. */
  readonly mark: string;
  readonly name: string;
  readonly end: number;
}

const readTag = (source: string, start: number): Tag => {
  const triple = source[start + 2] === '{';
  const close = triple ? '}}}' : '}}';
  const end = source.indexOf(close, start + close.length);
  if (end < 0) throw new TemplateError(`[${close}] is missing`, start);
  const inside = source.slice(start + close.length, end).trim();
  const mark = triple ? '{' : (/^[#^/!&>=]/.exec(inside)?.[0] ?? '');
  if (mark === '>' || mark === '=') throw new TemplateError('partials and other delimiters are not supported', start);
  const name = triple || mark === '' ? inside : inside.slice(1).trim();
  return { mark, name, end: end + close.length };
};

/** The whole line, where a section tag stands alone in it: such a line leaves nothing behind. */
const ownLine = (source: string, start: number, end: number): { start: number; end: number } | undefined => {
  const before = source.lastIndexOf('\n', start - 1) + 1;
  const newline = source.indexOf('\n', end);
  if (newline < 0 || source.slice(before, start).trim() !== '' || source.slice(end, newline).trim() !== '')
    return undefined;
  return { start: before, end: newline + 1 };
};

const close = ({ name, inverted, nodes, offset }: Open): Node => {
  const section: Node = { kind: 'section', name, inverted, nodes };
  if (inverted) return section;
  const delimiter = /^join delimiter='(.*)'$/.exec(name)?.[1];
  const called = delimiter === undefined ? name.toLowerCase() : 'join';
  if (called === 'url') return { kind: 'url', nodes };
  if (called !== 'tojson' && called !== 'join') return section;
  const [argument] = nodes;
  if (nodes.length !== 1 || argument?.kind !== 'text')
    throw new TemplateError(`Mustache function [${name}] must contain one and only one identifier`, offset);
  const value = argument.text.trim();
  return called === 'join'
    ? { kind: 'join', name: value, delimiter: delimiter ?? ',' }
    : { kind: 'toJson', name: value };
};
