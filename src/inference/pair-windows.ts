import type { Truncate } from './inference-config.ts';
import { TextFault, type TextPair } from './tasks/task.ts';
import type { Pieces, Tokenizer } from './tokenizer.ts';
import { CHARS_A_TOKEN, slicePieces, type Window, type WindowPlan, wholeWindow } from './windows.ts';

interface Cut {
  readonly maxTokens: number;
  readonly truncate: Truncate;
  /** Tokens that neighbouring windows share; -1 for one window. */
  readonly span: number;
}

/**
 * Two texts as one sequence, cut as Elasticsearch cuts them: the first, the second or both, or the document's text in
 * windows that overlap.
 * @throws TextFault where they are too long and nothing may be cut, or too little is left
 */
export const pairWindows = async (tokenizer: Tokenizer, pair: TextPair, cut: Cut): Promise<WindowPlan> => {
  const { before, between, after } = tokenizer.pair;
  const specials = before.length + between.length + after.length;
  const room = cut.maxTokens - specials;
  const [first, second] = await Promise.all([
    encodeHead(tokenizer, pair.first, cut, room),
    encodeHead(tokenizer, pair.second, cut, room),
  ]);
  const total = first.ids.length + second.ids.length;
  const document = pair.document === 'first' ? first : second;
  const other = pair.document === 'first' ? second : first;
  const text = pair.document === 'first' ? pair.first : pair.second;
  if (total > room && cut.span >= 0) return spans(document, other, text, pair, room, specials, cut);
  const [firstKept, secondKept] = total <= room ? [first, second] : cutBoth(first, second, room, specials, cut);
  const [kept, otherKept] = pair.document === 'first' ? [firstKept, secondKept] : [secondKept, firstKept];
  return {
    windows: [windowOf(kept, otherKept, pair, 0, kept === document ? text.length : (kept.ends.at(-1) ?? 0))],
    truncated: total > room,
    tokens: kept.ids.length + otherKept.ids.length + specials,
  };
};

/** Where windows cover it, all of a text; else as much of its head as can be of use. */
const encodeHead = (tokenizer: Tokenizer, text: string, { span }: Cut, room: number): Promise<Pieces> =>
  tokenizer.encode(span >= 0 ? text : text.slice(0, (room + 100) * CHARS_A_TOKEN));

const windowOf = (pieces: Pieces, other: Pieces, pair: TextPair, start: number, end: number): Window => ({
  ...wholeWindow(pieces, start, end),
  other: { ids: other.ids, document: pair.document },
});

const cutBoth = (
  first: Pieces,
  second: Pieces,
  room: number,
  specials: number,
  { truncate, maxTokens }: Cut,
): readonly [Pieces, Pieces] => {
  const total = first.ids.length + second.ids.length + specials;
  if (truncate === 'none')
    throw new TextFault(
      `Input too large. The tokenized input length [${total}] exceeds the maximum sequence length [${maxTokens}]`,
    );
  if (truncate === 'balanced') {
    const half = Math.floor(room / 2);
    const ofFirst = Math.min(first.ids.length, Math.max(half, room - second.ids.length));
    return [slicePieces(first, 0, ofFirst), slicePieces(second, 0, room - ofFirst)];
  }
  const [stays, which] = truncate === 'first' ? [second, 'second'] : [first, 'first'];
  if (stays.ids.length >= room)
    throw new TextFault(
      `Attempting truncation [${truncate}] but input is too large for the ${which} sequence. The tokenized input length [${stays.ids.length}] exceeds the maximum sequence length [${room}], when taking special tokens into account`,
    );
  const left = room - stays.ids.length;
  return truncate === 'first' ? [slicePieces(first, 0, left), second] : [first, slicePieces(second, 0, left)];
};

const spans = (
  document: Pieces,
  other: Pieces,
  text: string,
  pair: TextPair,
  room: number,
  specials: number,
  { span, maxTokens }: Cut,
): WindowPlan => {
  const size = room - other.ids.length;
  if (size <= span)
    throw new TextFault(
      `Unable to do sequence pair tokenization: the combined first sequence and span length [${other.ids.length + span + specials}] exceeds max sequence length [${maxTokens}]`,
    );
  const windows: Window[] = [];
  for (let from = 0; ; from += size - span) {
    const to = Math.min(document.ids.length, from + size);
    const last = to === document.ids.length;
    const pieces = slicePieces(document, from, to);
    windows.push(windowOf(pieces, other, pair, pieces.starts[0] ?? 0, last ? text.length : (pieces.ends.at(-1) ?? 0)));
    if (last) break;
  }
  const tokens = windows.reduce((sum, { pieces }) => sum + pieces.ids.length + other.ids.length + specials, 0);
  return { windows, truncated: false, tokens };
};
