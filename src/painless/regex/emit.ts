import { checkReferences, uncertainGroups } from './participation.ts';
import { RegexError } from './regex-error.ts';
import { canBeEmpty, childrenOf, type Node, type Syntax } from './syntax.ts';

/** A pattern as JavaScript source for the `v` flag. */
export interface Emitted {
  readonly source: string;
  /** The JavaScript group of each group of the pattern; [0] is 0. */
  readonly groups: readonly number[];
  /** Groups whose text JavaScript forgets, or never sees, where Java keeps the one of an earlier round. */
  readonly uncertain: ReadonlySet<number>;
}

export const emit = ({ root, groupCount }: Syntax): Emitted => {
  checkReferences(root, groupCount);
  const numbers = new Map<Node, number>();
  number(root, numbers, false);
  const groups: number[] = [0];
  for (const [node, index] of numbers) if (node.kind === 'capture') groups[node.group] = index;
  return { source: write(root, numbers, groups), groups, uncertain: uncertainGroups(root) };
};

const isAtomic = (node: Node): boolean =>
  node.kind === 'atomic' || (node.kind === 'repeat' && node.greed === 'possessive');

/** Numbers the groups in the order in which `write` opens them: atomic ones need a group of their own. */
const number = (node: Node, numbers: Map<Node, number>, behind: boolean): void => {
  if (node.kind === 'capture' || isAtomic(node)) {
    // JavaScript walks look-behinds backwards, where the reference would be read before its group.
    if (behind && node.kind !== 'capture')
      throw new RegexError('atomic group or possessive quantifier in look-behind', 0);
    numbers.set(node, numbers.size + 1);
  }
  const inside = behind || (node.kind === 'look' && node.behind);
  for (const child of childrenOf(node)) number(child, numbers, inside);
};

const write = (node: Node, numbers: ReadonlyMap<Node, number>, groups: readonly number[]): string => {
  const inner = (child: Node): string => write(child, numbers, groups);
  switch (node.kind) {
    case 'one':
    case 'assertion':
      return node.source;
    case 'sequence':
      return node.items.map((item) => (item.kind === 'choice' ? `(?:${inner(item)})` : inner(item))).join('');
    case 'choice':
      return node.branches.map(inner).join('|');
    case 'capture':
      return `(${inner(node.body)})`;
    case 'atomic':
      return `(?:(?=(${inner(node.body)}))\\${numbers.get(node)})`;
    case 'look':
      return `(?${node.behind ? '<' : ''}${node.negate ? '!' : '='}${inner(node.body)})`;
    case 'repeat': {
      const repeated = repeat(node, inner(node.body));
      return node.greed === 'possessive' ? `(?:(?=(${repeated}))\\${numbers.get(node)})` : repeated;
    }
    case 'reference': {
      const target = groups[node.group];
      if (target === undefined) return '(?!)';
      return node.ignoreCase ? `(?i:\\${target})` : `(?:\\${target})`;
    }
  }
};

const repeat = ({ min, max, greed, body }: Node & { kind: 'repeat' }, source: string): string => {
  // JavaScript takes no round that matches nothing, where Java takes one: a choice has no rounds.
  if (min === 0 && max === 1 && canBeEmpty(body)) return greed === 'lazy' ? `(?:|${source})` : `(?:${source}|)`;
  const repeated = atom(body, source) + quantifier(min, max);
  return greed === 'lazy' ? `${repeated}?` : repeated;
};

/** JavaScript repeats no assertions, and a sequence only as a group. */
const atom = (node: Node, source: string): string =>
  node.kind === 'one' || node.kind === 'capture' ? source : `(?:${source})`;

const quantifier = (min: number, max: number): string => {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  if (min === 0 && max === 1) return '?';
  return min === max ? `{${min}}` : `{${min},${max}}`;
};
