import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import type { PlainObject } from '../../core/json/values.ts';
import { conflict, queueFull, timedOut } from '../../core/refusal.ts';
import type { Cancel, LocalModel } from '../local-model.ts';
import type { CountedOutput, TextRequest } from '../text-request.ts';

/** What became of one text. */
export type TextOutcome = { readonly fields: PlainObject } | { readonly error: Error };

/** What is asked of a text, and what its answer is written as. */
export interface TextTask<Request, Output> {
  request(text: string): Request;
  fields(text: string, output: Output): PlainObject;
}

export interface InferTexts<Request extends TextRequest, Output extends CountedOutput> {
  readonly model: LocalModel<Request, Output>;
  readonly task: TextTask<Request, Output>;
  readonly texts: readonly string[];
  /** Milliseconds until those without an answer are given up. */
  readonly timeout: number;
  /** Aborted where the caller went away: then nothing comes of it. */
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/**
 * Infers all texts of a request, or none where the queue has no room for them all.
 * @throws Refusal 409, 429; the signal's reason
 */
export const inferTexts = <Request extends TextRequest, Output extends CountedOutput>({
  model,
  task,
  texts,
  timeout,
  signal,
  clock,
}: InferTexts<Request, Output>): Promise<TextOutcome[]> =>
  new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const outcomes = new Array<TextOutcome | undefined>(texts.length);
    const cancels: Cancel[] = [];
    let left = texts.length;
    let stopTimer = () => {};
    const end = (): void => {
      stopTimer();
      signal?.removeEventListener('abort', abort);
    };
    const withdraw = (): void => {
      end();
      for (const cancel of cancels) cancel();
    };
    const abort = (): void => {
      withdraw();
      reject(signal?.reason);
    };
    const settle = (index: number, outcome: TextOutcome): void => {
      outcomes[index] = outcome;
      left -= 1;
      if (left > 0) return;
      end();
      resolve(outcomes as TextOutcome[]);
    };
    if (left === 0) return resolve([]);
    try {
      texts.forEach((text, index) => {
        cancels.push(
          model.offer(task.request(text), (error, output) => {
            settle(index, outcomeOf(error, output === undefined ? undefined : () => task.fields(text, output)));
          }),
        );
      });
    } catch (error) {
      withdraw();
      return reject(isFull(error) ? queueFull() : isClosed(error) ? stopped() : error);
    }
    if (left === 0) return;
    signal?.addEventListener('abort', abort, { once: true });
    stopTimer = clock.after(timeout, () => {
      withdraw();
      const late = { error: timedOut(`timeout [${timeout}ms] waiting for inference result`) };
      for (let index = 0; index < outcomes.length; index += 1) {
        if (outcomes[index] !== undefined) continue;
        model.deployment.counters.expired += 1;
        outcomes[index] = late;
      }
      resolve(outcomes as TextOutcome[]);
    });
  });

const outcomeOf = (error: Error | undefined, fields: (() => PlainObject) | undefined): TextOutcome => {
  if (fields === undefined)
    return { error: isClosed(error) ? stopped() : (error ?? new Error('the model answered nothing')) };
  try {
    return { fields: fields() };
  } catch (fault) {
    return { error: fault as Error };
  }
};

const hasCode = (error: unknown, code: string): boolean => error instanceof SluiceError && error.code === code;
const isFull = (error: unknown): boolean => hasCode(error, 'SLUICE_INFERENCE_QUEUE_FULL');
const isClosed = (error: unknown): boolean => hasCode(error, 'SLUICE_INFERENCE_CLOSED');
const stopped = () => conflict('Trained model deployment is [stopping]');
