import { Refusal } from '../../core/refusal.ts';
import type { Route } from './route.ts';

interface Node {
  readonly literal: Map<string, Node>;
  parameter: { readonly name: string; readonly node: Node } | undefined;
  readonly methods: Map<string, { readonly route: Route; readonly names: readonly string[] }>;
}

const emptyNode = (): Node => ({ literal: new Map(), parameter: undefined, methods: new Map() });

export type Found =
  | { readonly route: Route; readonly params: Readonly<Record<string, string>> }
  /** The path is known, the method is not. */
  | { readonly allow: readonly string[] };

/** Finds the route of a request: a segment that is named comes before a parameter. */
export class Router {
  readonly #root = emptyNode();

  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route);
  }

  /** Undefined where no route has the path. @throws Refusal 400 for a path that cannot be decoded */
  find(method: string, path: string): Found | undefined {
    const values: string[] = [];
    const node = walk(this.#root, segmentsOf(path), 0, values);
    if (node === undefined) return undefined;
    const entry = node.methods.get(method === 'HEAD' ? 'GET' : method);
    if (entry === undefined) return { allow: [...node.methods.keys()] };
    return { route: entry.route, params: Object.fromEntries(entry.names.map((name, at) => [name, values[at]!])) };
  }

  #add(route: Route): void {
    let node = this.#root;
    const names: string[] = [];
    for (const segment of route.path.split('/').filter(Boolean)) {
      const name = /^\{(.+)\}$/.exec(segment)?.[1];
      if (name === undefined) {
        const next = node.literal.get(segment) ?? emptyNode();
        node.literal.set(segment, next);
        node = next;
      } else {
        names.push(name);
        node.parameter ??= { name, node: emptyNode() };
        node = node.parameter.node;
      }
    }
    node.methods.set(route.method, { route, names });
  }
}

/** Depth first: where a named segment leads nowhere, the parameter beside it may. */
const walk = (node: Node, segments: readonly string[], at: number, values: string[]): Node | undefined => {
  const segment = segments[at];
  if (segment === undefined) return node.methods.size > 0 ? node : undefined;
  const literal = node.literal.get(segment);
  const found = literal && walk(literal, segments, at + 1, values);
  if (found !== undefined) return found;
  // What begins with an underscore is a name of the interface, never an index or an id.
  if (node.parameter === undefined || (at === 0 && segment.startsWith('_'))) return undefined;
  values.push(segment);
  const below = walk(node.parameter.node, segments, at + 1, values);
  if (below === undefined) values.pop();
  return below;
};

const segmentsOf = (path: string): string[] => {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    throw new Refusal(400, 'illegal_argument_exception', 'the path is not well-formed');
  }
};
