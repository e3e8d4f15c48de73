import type { IngestDocument } from '../core/document.ts';
import { entriesOf, isObject, type JsonValue, objectOf } from '../core/json/values.ts';
import { Root } from './mustache-lookup.ts';
import { parseTemplate } from './mustache-parser.ts';
import { ESCAPES, type MediaType, renderNodes } from './mustache-render.ts';

export { TemplateError } from './mustache-parser.ts';
export type { MediaType } from './mustache-render.ts';

/** A template of an ingest pipeline, as Elasticsearch's mustache. */
export interface Template {
  /** The text itself, where there is nothing to fill in. */
  readonly constant: string | undefined;
  /** @throws ProcessorError for an element beyond the end of a list, or more than 1 MB of text */
  render(document: IngestDocument): string;
}

export interface TemplateOptions {
  /** How `{{value}}` is escaped; `{{{value}}}` never is. Default application/json, as in Elasticsearch. */
  readonly mediaType?: MediaType | undefined;
}

/** @throws TemplateError for unbalanced tags, with the place */
export const compileTemplate = (source: string, { mediaType = 'application/json' }: TemplateOptions = {}): Template => {
  if (!source.includes('{{')) return { constant: source, render: () => source };
  const nodes = parseTemplate(source);
  const encode = ESCAPES[mediaType];
  return {
    constant: undefined,
    render: (document) => renderNodes(nodes, { root: new Root(document), scopes: [], encode }),
  };
};

/** A value with templates in it: strings are rendered, objects and arrays rebuilt for each document. */
export const compileValue = (
  value: JsonValue,
  options: TemplateOptions = {},
): ((document: IngestDocument) => JsonValue) => {
  if (typeof value === 'string') {
    const template = compileTemplate(value, options);
    return (document) => template.render(document);
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => compileValue(item, options));
    return (document) => items.map((item) => item(document));
  }
  if (!isObject(value)) return () => value;
  const entries = entriesOf(value).map(
    ([key, item]) => [compileTemplate(key, options), compileValue(item, options)] as const,
  );
  return (document) => objectOf(entries.map(([key, item]) => [key.render(document), item(document)] as const));
};
