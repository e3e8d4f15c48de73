/**
 * What every flavour is parsed into. Case and line-ending modes are already worked into the leaves, so that the
 * emitter needs to know no flavour.
 */
export type Node =
  /** Exactly one code point, as JavaScript source under the `v` flag. */
  | { readonly kind: 'one'; readonly source: string }
  /** A condition on the position, as JavaScript source. */
  | { readonly kind: 'assertion'; readonly source: string }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'capture'; readonly group: number; readonly body: Node }
  | { readonly kind: 'atomic'; readonly body: Node }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negate: boolean; readonly body: Node }
  | { readonly kind: 'repeat'; readonly min: number; readonly max: number; readonly greed: Greed; readonly body: Node }
  | { readonly kind: 'reference'; readonly group: number; readonly ignoreCase: boolean; readonly index: number };

export type Greed = 'greedy' | 'lazy' | 'possessive';

/** A parsed pattern of any flavour. */
export interface Syntax {
  readonly root: Node;
  readonly groupCount: number;
  readonly groupNames: ReadonlyMap<string, number>;
}

export const childrenOf = (node: Node): readonly Node[] => {
  switch (node.kind) {
    case 'sequence':
      return node.items;
    case 'choice':
      return node.branches;
    case 'capture':
    case 'atomic':
    case 'look':
    case 'repeat':
      return [node.body];
    default:
      return [];
  }
};

/** The numbers of the capturing groups inside. */
export const groupsIn = (node: Node, found: Set<number> = new Set()): Set<number> => {
  if (node.kind === 'capture') found.add(node.group);
  for (const child of childrenOf(node)) groupsIn(child, found);
  return found;
};

export const hasReference = (node: Node): boolean => node.kind === 'reference' || childrenOf(node).some(hasReference);

export const canBeEmpty = (node: Node): boolean => {
  switch (node.kind) {
    case 'one':
      return false;
    case 'sequence':
      return node.items.every(canBeEmpty);
    case 'choice':
      return node.branches.some(canBeEmpty);
    case 'capture':
    case 'atomic':
      return canBeEmpty(node.body);
    case 'repeat':
      return node.min === 0 || canBeEmpty(node.body);
    default:
      return true;
  }
};
