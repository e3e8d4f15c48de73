import { z } from 'zod';
import { softmax } from './classes.ts';
import { finite, shaped, type Task } from './task.ts';

const graph = z.strictObject({
  output: z.string().default('start_logits').describe('Graph output [batch, sequence]: where the answer begins.'),
  end_output: z.string().default('end_logits').describe('Graph output [batch, sequence]: where it ends.'),
});
const options = z.strictObject({
  question: z.string({
    error: 'please provide configuration update for question_answering task including the desired [question]',
  }),
  num_top_classes: z.number().int().min(0).default(0),
  max_answer_length: z.number().int().min(1).default(15),
});
type Graph = z.output<typeof graph>;
export interface Asked {
  readonly question: string;
  readonly count: number;
  readonly longest: number;
}
/** UTF-16 positions in the text. */
export interface Answer {
  readonly start: number;
  readonly end: number;
  readonly score: number;
}

/** The part of the text that answers a question: [QuestionAnsweringInferenceResults]. */
export const questionAnswering: Task<Graph, z.output<typeof options>, Asked, Answer[], Answer[]> = {
  graph,
  options,
  windows: false,
  span: true,
  prefix: false,
  read: ({ question, num_top_classes, max_answer_length }) => ({
    question,
    count: num_top_classes,
    longest: max_answer_length,
  }),
  outputs: ({ output, end_output }) => [output, end_output],
  pairs: (text, { question }) => [{ first: question, second: text, document: 'second' }],
  part: ({ window, offset, rows: [starts, ends] }, _graph, { count, longest }) => {
    shaped(starts!, 'sequence');
    shaped(ends!, 'sequence');
    const { pieces } = window;
    const size = pieces.ids.length;
    const begins = among(starts!.data, offset, size);
    const finishes = among(ends!.data, offset, size);
    const answers: Answer[] = [];
    for (let from = 0; from < size; from += 1) {
      for (let to = from; to < size && to < from + longest; to += 1) {
        const score = begins[from]! * finishes[to]!;
        keep(answers, { start: pieces.starts[from]!, end: pieces.ends[to]!, score }, Math.max(1, count));
      }
    }
    return answers;
  },
  whole: (windows, _graph, { count }) => {
    const answers: Answer[] = [];
    for (const answer of windows.flat()) keep(answers, answer, Math.max(1, count));
    return answers;
  },
  size: (answers) => 60 * answers.length,
  fields: (answers, { count }, { text, results_field }) => {
    // A text without tokens has no answer.
    const best = answers[0] ?? { start: 0, end: 0, score: 0 };
    return {
      [results_field]: text.slice(best.start, best.end),
      start_offset: best.start,
      end_offset: best.end,
      ...(count > 0 && {
        top_classes: answers.map(({ start, end, score }) => ({
          answer: text.slice(start, end),
          start_offset: start,
          end_offset: end,
          score,
        })),
      }),
      prediction_probability: best.score,
    };
  },
};

/**
 * Probabilities of the text's pieces. The first token of the sequence takes part, as the place of "no answer" that the
 * model was trained with, and is no answer itself; the question does not.
 */
const among = (logits: Float32Array, offset: number, size: number): number[] => {
  const own = logits.subarray(offset, offset + size);
  finite(own);
  return softmax([logits[0]!, ...own]).slice(1);
};

/** Keeps the best ones, best first; of equals the one that came first. */
const keep = (answers: Answer[], answer: Answer, count: number): void => {
  if (answers.length === count && answer.score <= answers.at(-1)!.score) return;
  let place = answers.length;
  while (place > 0 && answers[place - 1]!.score < answer.score) place -= 1;
  answers.splice(place, 0, answer);
  if (answers.length > count) answers.pop();
};
