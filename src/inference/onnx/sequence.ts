import type { Tokenizer } from '../tokenizer.ts';
import type { Window } from '../windows.ts';

/** The tokens of one run of the model. */
export interface Sequence {
  readonly ids: readonly number[];
  /** `token_type_ids`; undefined where all are 0. */
  readonly types: readonly number[] | undefined;
  /** Index of the window's first piece. */
  readonly offset: number;
}

/** A window with the special tokens around it, and the other text of a pair. */
export const sequenceOf = ({ pieces, other }: Window, tokenizer: Tokenizer): Sequence => {
  if (other === undefined) {
    const { before, after } = tokenizer;
    return { ids: [...before, ...pieces.ids, ...after], types: undefined, offset: before.length };
  }
  const { before, between, after, types } = tokenizer.pair;
  const own = other.document === 'first';
  const [first, second] = own ? [pieces.ids, other.ids] : [other.ids, pieces.ids];
  return {
    ids: [...before, ...first, ...between, ...second, ...after],
    types: [
      ...types.before,
      ...first.map(() => types.first),
      ...types.between,
      ...second.map(() => types.second),
      ...types.after,
    ],
    offset: before.length + (own ? 0 : first.length + between.length),
  };
};
