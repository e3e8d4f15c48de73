import type { IngestDocument } from '../core/document.ts';
import { getKey, isObject, type JsonValue, javaString, objectOf } from '../core/json/values.ts';
import { writeJson } from '../core/json/write.ts';
import { type Node, parseTemplate } from './mustache-parser.ts';

export type MediaType = 'application/json' | 'text/plain' | 'application/x-www-form-urlencoded';

/** A template of an ingest pipeline, as Elasticsearch's mustache. */
export interface Template {
  /** The text itself, where there is nothing to fill in. */
  readonly constant: string | undefined;
  render(document: IngestDocument): string;
}

export interface TemplateOptions {
  /** How `{{value}}` is escaped; `{{{value}}}` never is. Default application/json, as in Elasticsearch. */
  readonly mediaType?: MediaType | undefined;
}

type Escape = (text: string) => string;

const ESCAPES: Readonly<Record<MediaType, Escape>> = {
  'application/json': (text) => JSON.stringify(text).slice(1, -1),
  'text/plain': (text) => text,
  'application/x-www-form-urlencoded': (text) => encodeURIComponent(text.toWellFormed()).replace(/%20/g, '+'),
};

/** @throws TemplateError for unbalanced tags, with the place */
export const compileTemplate = (source: string, { mediaType = 'application/json' }: TemplateOptions = {}): Template => {
  if (!source.includes('{{')) return { constant: source, render: () => source };
  const nodes = parseTemplate(source);
  const encode = ESCAPES[mediaType];
  return { constant: undefined, render: (document) => renderAll(nodes, { document, scopes: [] }, encode) };
};

/** A value with templates in it: strings are rendered, objects and arrays rebuilt for each document. */
export const compileValue = (
  value: JsonValue,
  options: TemplateOptions = {},
): ((document: IngestDocument) => JsonValue) => {
  if (typeof value === 'string') {
    const template = compileTemplate(value, options);
    const { constant } = template;
    return constant === undefined ? (document) => template.render(document) : () => constant;
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => compileValue(item, options));
    return (document) => items.map((item) => item(document));
  }
  if (!isObject(value)) return () => value;
  const entries = (value instanceof Map ? [...value] : Object.entries(value)).map(
    ([key, item]) => [compileTemplate(key, options), compileValue(item, options)] as const,
  );
  return (document) => objectOf(entries.map(([key, item]) => [key.render(document), item(document)] as const));
};

interface Scope {
  readonly document: IngestDocument;
  /** Values of the sections around, the innermost last. */
  readonly scopes: readonly JsonValue[];
}

const renderAll = (nodes: readonly Node[], scope: Scope, encode: Escape): string => {
  let out = '';
  for (const node of nodes) out += render(node, scope, encode);
  return out;
};

const render = (node: Node, scope: Scope, encode: Escape): string => {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'value': {
      const value = lookUp(node.path, scope);
      if (value === undefined || value === null) return '';
      const text = javaString(value);
      return node.raw ? text : encode(text);
    }
    case 'section':
      return renderSection(node, scope, encode);
  }
};

const renderSection = (node: Extract<Node, { kind: 'section' }>, scope: Scope, encode: Escape): string => {
  const call = Object.hasOwn(FUNCTIONS, node.path) ? FUNCTIONS[node.path] : joinWith(node.path);
  if (call !== undefined && !node.inverted) return call(node, scope, encode);
  const value = lookUp(node.path, scope);
  const empty =
    value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);
  if (node.inverted) return empty ? renderAll(node.nodes, scope, encode) : '';
  if (empty) return '';
  if (!Array.isArray(value)) return renderAll(node.nodes, { ...scope, scopes: [...scope.scopes, value] }, encode);
  return value.map((item) => renderAll(node.nodes, { ...scope, scopes: [...scope.scopes, item] }, encode)).join('');
};

type SectionFunction = (node: Extract<Node, { kind: 'section' }>, scope: Scope, encode: Escape) => string;

/** The path between a function's tags: `{{#toJson}}path{{/toJson}}`. */
const argumentOf = (node: Extract<Node, { kind: 'section' }>): string => node.source.trim();

const FUNCTIONS: Readonly<Record<string, SectionFunction>> = {
  toJson: (node, scope) => {
    const value = lookUp(argumentOf(node), scope);
    return value === undefined ? '' : writeJson(value);
  },
  url: (node, scope, encode) => ESCAPES['application/x-www-form-urlencoded'](renderAll(node.nodes, scope, encode)),
  join: (node, scope) => join(argumentOf(node), ',', scope),
};

/** `{{#join delimiter='|'}}path{{/join delimiter='|'}}` */
const joinWith = (name: string): SectionFunction | undefined => {
  const match = /^join\s+delimiter='([^']*)'$/.exec(name);
  return match === null ? undefined : (node, scope) => join(argumentOf(node), match[1]!, scope);
};

const join = (path: string, delimiter: string, scope: Scope): string => {
  const value = lookUp(path, scope);
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.map(javaString).join(delimiter) : javaString(value);
};

const lookUp = (path: string, { document, scopes }: Scope): JsonValue | undefined => {
  if (path === '.') return scopes.at(-1);
  const parts = path.split('.');
  for (let at = scopes.length - 1; at >= 0; at -= 1) {
    const scope = scopes[at]!;
    if (isObject(scope) && getKey(scope, parts[0]!) !== undefined) return walk(scope, parts);
  }
  const found = document.find(path);
  // `list.size` has no field behind it.
  if (found === undefined && parts.at(-1) === 'size' && parts.length > 1) {
    const list = document.find(parts.slice(0, -1).join('.'));
    return Array.isArray(list) ? list.length : undefined;
  }
  return found;
};

const walk = (value: JsonValue, parts: readonly string[]): JsonValue | undefined => {
  let at: JsonValue | undefined = value;
  for (const part of parts) {
    if (Array.isArray(at)) at = part === 'size' ? at.length : at[Number(part)];
    else at = isObject(at) ? getKey(at, part) : undefined;
  }
  return at;
};
