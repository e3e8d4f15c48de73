import type { IngestDocument } from '../../core/document.ts';
import { JavaError } from '../runtime/java-error.ts';
import type { Value } from '../runtime/values.ts';

/** As Painless' max_loop_counter. */
const MAX_STEPS = 1_000_000;

/** One run of a script. */
export class Frame {
  readonly document: IngestDocument;
  readonly locals: Value[] = [];
  /** Where in the script the last operation began that may fail. */
  at = 0;
  /** What a `return` left. */
  result: Value = null;
  #steps = 0;

  constructor(document: IngestDocument) {
    this.document = document;
  }

  /** To be called once a round by every loop. */
  step(): void {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) {
      throw new JavaError(
        'painless_error',
        'The maximum number of statements that can be executed in a loop has been reached.',
      );
    }
  }
}

export type Evaluate = (frame: Frame) => Value;
export type Test = (frame: Frame) => boolean;

/** How a statement ended. */
export const NORMAL = 0;
export const BREAK = 1;
export const CONTINUE = 2;
export const RETURN = 3;
export type Completion = typeof NORMAL | typeof BREAK | typeof CONTINUE | typeof RETURN;
export type Execute = (frame: Frame) => Completion;
