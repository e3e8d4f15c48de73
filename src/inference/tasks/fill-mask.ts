import { z } from 'zod';
import { classificationFields, softmax } from './classes.ts';
import { finite, shaped, type Task, TextFault } from './task.ts';

const graph = z.strictObject({
  output: z.string().describe('Graph output [batch, sequence, vocabulary].'),
  mask_token: z.string().default('[MASK]'),
});
const options = z.strictObject({ num_top_classes: z.number().int().min(-1).default(5) });
type Graph = z.output<typeof graph>;
export interface Asked {
  readonly count: number;
}
export interface Candidate {
  readonly token: string;
  readonly probability: number;
}

/** What stands where the text has the mask. */
export const fillMask: Task<
  Graph,
  z.output<typeof options>,
  Asked,
  readonly (readonly [number, number])[],
  Candidate[]
> = {
  graph,
  options,
  windows: false,
  span: false,
  prefix: false,
  read: ({ num_top_classes }) => ({ count: num_top_classes }),
  outputs: ({ output }) => [output],
  part: ({ ids, rows: [row] }, { mask_token }, { count }, { tokenizer }) => {
    const mask = tokenizer.idOf(mask_token);
    const at = mask === undefined ? -1 : ids.indexOf(mask);
    if (at < 0) throw new TextFault(`no ${mask_token} token could be found in the input`);
    if (ids.indexOf(mask!, at + 1) >= 0) throw new TextFault(`only one ${mask_token} token should exist in the input`);
    shaped(row!, 'sequence', 'vocabulary');
    const vocabulary = row!.dims.at(-1)!;
    const logits = row!.data.subarray(at * vocabulary, (at + 1) * vocabulary);
    finite(logits);
    const probabilities = softmax(logits);
    // The best one is always needed, for the sequence.
    return best(probabilities, count < 0 ? probabilities.length : Math.max(1, count));
  },
  whole: async ([candidates], _graph, _asked, { tokenizer }) =>
    Promise.all(candidates!.map(async ([id, probability]) => ({ token: await tokenizer.textOf(id), probability }))),
  size: (candidates) => 60 * candidates.length,
  fields: (candidates, { count }, { text, results_field, manifest }) => ({
    ...classificationFields(
      candidates.map(({ token, probability }) => ({ name: token, probability })),
      { results_field },
      count,
    ),
    [`${results_field}_sequence`]: text.replace(manifest.tasks.fill_mask!.mask_token, () => candidates[0]!.token),
  }),
};

/** Index and value of the largest ones, the largest first. */
const best = (values: readonly number[], count: number): [number, number][] => {
  if (count >= values.length)
    return values.map((value, at): [number, number] => [at, value]).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  const kept: [number, number][] = [];
  values.forEach((value, at) => {
    if (kept.length === count && value <= kept.at(-1)![1]) return;
    let place = kept.length;
    while (place > 0 && kept[place - 1]![1] < value) place -= 1;
    kept.splice(place, 0, [at, value]);
    if (kept.length > count) kept.pop();
  });
  return kept;
};
