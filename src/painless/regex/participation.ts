import { RegexError } from './regex-error.ts';
import { canBeEmpty, childrenOf, groupsIn, type Node } from './syntax.ts';

/**
 * Which groups have surely taken part where. Java keeps the text of a group from earlier rounds of a loop and fails
 * at a reference to a group without text; JavaScript clears the groups of each round and takes such a reference for
 * nothing.
 */
type Groups = ReadonlySet<number>;
const NONE: Groups = new Set();

const union = (left: Groups, right: Groups): Groups => new Set([...left, ...right]);
const without = (left: Groups, right: Groups): Groups => new Set([...left].filter((group) => !right.has(group)));
const shared = (left: Groups, right: Groups): Groups => new Set([...left].filter((group) => right.has(group)));
const common = (sets: readonly Groups[]): Groups => sets.reduce(shared);

/** @throws RegexError for a reference that Java and JavaScript might understand differently */
export const checkReferences = (root: Node, groupCount: number): void => {
  const check = (node: Node, known: Groups): Groups => {
    switch (node.kind) {
      case 'sequence':
        return node.items.reduce((sofar, item) => check(item, sofar), known);
      case 'choice':
        return common(node.branches.map((branch) => check(branch, known)));
      case 'capture':
        return union(check(node.body, known), new Set([node.group]));
      case 'atomic':
        return check(node.body, known);
      case 'look': {
        const after = check(node.body, known);
        return node.negate ? known : after;
      }
      case 'repeat': {
        const after = check(node.body, node.max > 1 ? without(known, groupsIn(node.body)) : known);
        return node.min === 0 ? known : after;
      }
      case 'reference':
        if (node.group > groupCount || known.has(node.group)) return known;
        throw new RegexError(
          `reference to group ${node.group}, which may not have taken part, is not supported`,
          node.index,
        );
      default:
        return known;
    }
  };
  check(root, NONE);
};

/**
 * Groups whose text may differ from Java's: in a loop that may pass them by or match nothing, and in a negative look,
 * which JavaScript empties.
 */
export const uncertainGroups = (root: Node): Groups => {
  const uncertain = new Set<number>();
  const visit = (node: Node): void => {
    if (node.kind === 'repeat') {
      const empty = canBeEmpty(node.body);
      if (node.max > 1) {
        const sure = empty ? NONE : surely(node.body);
        for (const group of groupsIn(node.body)) if (!sure.has(group)) uncertain.add(group);
      }
    }
    if (node.kind === 'look' && node.negate) for (const group of groupsIn(node)) uncertain.add(group);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(root);
  return uncertain;
};

/** Groups that take part whenever the node matches. */
const surely = (node: Node): Groups => {
  switch (node.kind) {
    case 'sequence':
      return node.items.reduce((sofar, item) => union(sofar, surely(item)), NONE);
    case 'choice':
      return common(node.branches.map(surely));
    case 'capture':
      return union(surely(node.body), new Set([node.group]));
    case 'atomic':
      return surely(node.body);
    case 'repeat':
      return node.min === 0 ? NONE : surely(node.body);
    case 'look':
      return node.negate ? NONE : surely(node.body);
    default:
      return NONE;
  }
};
