import { ProcessorError } from '../core/errors.ts';
import { isObject, type JsonValue, javaString } from '../core/json/values.ts';
import { writeJson } from '../core/json/write.ts';
import { type Found, Root, walk } from './mustache-lookup.ts';
import type { FunctionNode, Node, SectionNode } from './mustache-parser.ts';

export type MediaType = 'application/json' | 'text/plain' | 'application/x-www-form-urlencoded';

/** Elasticsearch's limit of 1 MB, in UTF-16 units. */
const MAX_LENGTH = 512 * 1024;

interface Context {
  readonly root: Root;
  /** Values of the sections around, the innermost last. */
  readonly scopes: readonly JsonValue[];
  readonly encode: (text: string) => string;
}

export const renderNodes = (nodes: readonly Node[], context: Context): string => {
  let out = '';
  for (const node of nodes) {
    out += render(node, context);
    if (out.length > MAX_LENGTH)
      throw new ProcessorError('parse_exception', 'Mustache script result size limit exceeded');
  }
  return out;
};

const render = (node: Node, context: Context): string => {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'value': {
      const value = jsonOf(lookUp(node.name, context));
      if (value === undefined || value === null) return '';
      const text = shown(value);
      return node.raw ? text : context.encode(text);
    }
    case 'section':
      return renderSection(node, context);
    default:
      return call(node, context);
  }
};

/** Elasticsearch wraps lists so that templates can index them, and the wrapper prints itself as a map. */
const shown = (value: JsonValue): string =>
  Array.isArray(value)
    ? `{${value.map((item, index) => `${index}=${javaString(item)}`).join(', ')}}`
    : javaString(value);

const renderSection = ({ name, inverted, nodes }: SectionNode, context: Context): string => {
  const value = jsonOf(lookUp(name, context));
  const empty =
    value === undefined ||
    value === null ||
    value === false ||
    value === '' ||
    (Array.isArray(value) && value.length === 0);
  if (inverted) return empty ? renderNodes(nodes, context) : '';
  if (empty) return '';
  let out = '';
  for (const item of Array.isArray(value) ? value : [value])
    out += renderNodes(nodes, { ...context, scopes: [...context.scopes, item] });
  return out;
};

const call = (node: FunctionNode, context: Context): string => {
  if (node.kind === 'url') return ESCAPES['application/x-www-form-urlencoded'](renderNodes(node.nodes, context));
  const value = jsonOf(lookUp(node.name, context));
  // Where there is no list to join, Elasticsearch leaves the name itself.
  if (node.kind === 'join') return Array.isArray(value) ? value.map(javaString).join(node.delimiter) : node.name;
  if (value === undefined || value === null) return '';
  return Array.isArray(value) || isObject(value) ? writeJson(value) : javaString(value);
};

const lookUp = (name: string, { root, scopes }: Context): Found => {
  if (name === '.') return scopes.at(-1) ?? root;
  for (let at = scopes.length - 1; at >= 0; at -= 1) {
    const found = walk(scopes[at]!, name);
    if (found !== undefined) return found;
  }
  return walk(root, name);
};

const jsonOf = (found: Found): JsonValue | undefined => (found instanceof Root ? found.document.source : found);

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

/** How `{{value}}` is escaped, by media type. */
export const ESCAPES: Readonly<Record<MediaType, (text: string) => string>> = {
  'application/json': (text) =>
    text.replace(
      /["\\\u0000-\u001f]/g,
      (char) => SHORT[char] ?? `\\u00${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    ),
  'text/plain': (text) => text,
  'application/x-www-form-urlencoded': (text) =>
    encodeURIComponent(text.toWellFormed())
      .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%20/g, '+'),
};
