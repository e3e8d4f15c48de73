import {
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  Scalar,
  visit,
} from 'yaml';
import { interpolate, type Variables } from './interpolate.ts';

export type Path = readonly (string | number)[];

/** A mistake in a file, with the place a person finds it at. Lines and columns count from 1. */
export interface Mistake {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** A YAML file read into plain values, which remembers where everything stands. */
export interface YamlFile {
  readonly name: string;
  readonly value: unknown;
  readonly mistakes: readonly Mistake[];
  /** Where the value at a path stands, or the nearest thing above it; `key` asks for the key instead of the value. */
  locate(path: Path, key?: boolean): { readonly line: number; readonly column: number };
}

/** Aliases may expand to more than the file's own size; this bounds it. */
const MAX_ALIASES = 100;

/**
 * Reads YAML with `${…}` filled in, except below the keys named in `literal`: an ingest pipeline is taken word for word.
 */
export const readYaml = (name: string, text: string, variables: Variables, literal: readonly string[]): YamlFile => {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    maxAliasCount: MAX_ALIASES,
    prettyErrors: false,
  } as object);
  const mistakes: Mistake[] = [];
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of document.errors) mistakes.push({ message: error.message, ...at(error.pos[0]) });
  const root = document.contents as ParsedNode | null;
  if (mistakes.length === 0 && root !== null) {
    visit(document, {
      Pair(_, pair, ancestors) {
        const atTop = ancestors.filter((node) => isMap(node)).length === 1;
        return atTop && isScalar(pair.key) && literal.includes(String(pair.key.value)) ? visit.SKIP : undefined;
      },
      Scalar(key, node) {
        if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('$')) return;
        const { value, error } = interpolate(node.value, variables);
        if (error !== undefined) mistakes.push({ message: error, ...at(node.range?.[0] ?? 0) });
        else node.value = node.type === Scalar.PLAIN ? plainValue(value) : value;
      },
    });
  }
  let value: unknown = null;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    mistakes.push({ message: error instanceof Error ? error.message : String(error), line: 1, column: 1 });
  }
  return {
    name,
    value,
    mistakes,
    locate: (path, key = false) => at(offsetOf(root, path, key)),
  };
};

/** `${PORT:-9200}` without quotes is a number, as it would be if it stood there itself. */
const plainValue = (text: string): unknown => {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : text;
};

const offsetOf = (root: Node | null, path: Path, wantsKey: boolean): number => {
  let node: Node | null = root;
  let offset = node?.range?.[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (!isCollection(node)) break;
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(part),
      );
      if (pair === undefined) break;
      const key = pair.key as Node;
      const value = pair.value as Node | null;
      const last = index === path.length - 1;
      offset = (last && wantsKey ? key : (value ?? key)).range?.[0] ?? offset;
      node = value;
      continue;
    }
    const item = node.items[Number(part)] as Node | undefined;
    if (item === undefined) break;
    offset = item.range?.[0] ?? offset;
    node = item;
  }
  return offset;
};
