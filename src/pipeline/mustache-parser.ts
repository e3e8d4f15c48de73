export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly path: string; readonly raw: boolean }
  | {
      readonly kind: 'section';
      readonly path: string;
      readonly inverted: boolean;
      readonly nodes: readonly Node[];
      /** The text between the tags. */
      readonly source: string;
    };

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
  readonly path: string;
  readonly inverted: boolean;
  readonly nodes: Node[];
  readonly offset: number;
  readonly bodyStart: number;
}

/** @throws TemplateError */
export const parseTemplate = (source: string): Node[] => {
  const root: Node[] = [];
  const stack: Open[] = [];
  const push = (node: Node) => (stack.at(-1)?.nodes ?? root).push(node);
  let at = 0;
  while (at < source.length) {
    const start = source.indexOf('{{', at);
    if (start < 0) break;
    if (start > at) push({ kind: 'text', text: source.slice(at, start) });
    const triple = source[start + 2] === '{';
    const close = triple ? '}}}' : '}}';
    const end = source.indexOf(close, start + close.length);
    if (end < 0) throw new TemplateError(`[${close}] is missing`, start);
    at = end + close.length;
    const inside = source.slice(start + close.length, end).trim();
    const mark = triple ? '' : inside[0]!;
    const name = inside.slice(1).trim();
    if (mark === '!') continue;
    if (mark === '#' || mark === '^') {
      if (stack.length >= MAX_DEPTH) throw new TemplateError(`sections nest deeper than ${MAX_DEPTH}`, start);
      stack.push({ path: name, inverted: mark === '^', nodes: [], offset: start, bodyStart: at });
    } else if (mark === '/') {
      const open = stack.pop();
      if (open === undefined || open.path !== name) throw new TemplateError(`[{{/${name}}}] closes nothing`, start);
      push({
        kind: 'section',
        path: open.path,
        inverted: open.inverted,
        nodes: open.nodes,
        source: source.slice(open.bodyStart, start),
      });
    } else if (mark === '>' || mark === '=') {
      throw new TemplateError('partials and other delimiters are not supported', start);
    } else {
      const raw = triple || mark === '&';
      const path = mark === '&' ? name : inside;
      if (path === '') throw new TemplateError('an empty tag', start);
      push({ kind: 'value', path, raw });
    }
  }
  if (at < source.length) push({ kind: 'text', text: source.slice(at) });
  const open = stack.at(-1);
  if (open !== undefined)
    throw new TemplateError(`[{{${open.inverted ? '^' : '#'}${open.path}}}] is never closed`, open.offset);
  return root;
};
