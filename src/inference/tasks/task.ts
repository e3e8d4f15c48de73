import type { z } from 'zod';
import type { PlainObject } from '../../core/json/values.ts';
import type { Manifest } from '../manifest-schema.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { LongText, Window } from '../windows.ts';

/** What a graph gave for one sequence of tokens: an output without its first dimension, the batch. */
export interface Row {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Two texts that go through the model together; which of them is the document's. */
export interface TextPair {
  readonly first: string;
  readonly second: string;
  readonly document: 'first' | 'second';
}

/** One run over a part of a text, as a task sees it in the worker. */
export interface Part {
  readonly text: string;
  readonly window: Window;
  /** Index in the sequence of the window's first piece. */
  readonly offset: number;
  /** The whole sequence, special tokens included. */
  readonly ids: readonly number[];
  /** One for each output that the task asked for. */
  readonly rows: readonly Row[];
}

export interface WorkerModel {
  readonly manifest: Manifest;
  readonly tokenizer: Tokenizer;
}

/** What the main thread makes result fields of. */
export interface Told {
  readonly text: string;
  readonly results_field: string;
  readonly manifest: Manifest;
  /** UTF-16 positions of each window in the text. */
  readonly windows: readonly { readonly start: number; readonly end: number }[];
  readonly longText: LongText;
}

/**
 * One of Elasticsearch's NLP tasks. `read` and `fields` run in the main thread, the rest in the worker, so that large
 * outputs of a graph never leave it.
 * @typeParam Graph what a model's manifest says about the task
 * @typeParam Asked what a step asks of it; can be cloned, and is all of its options that change the result
 * @typeParam Result can be cloned
 */
export interface Task<Graph, Options, Asked, Value, Result> {
  /** Keys of `inference_config` beside results_field and tokenization. */
  readonly options: z.ZodType<Options>;
  /** Fields of `manifest.tasks`. */
  readonly graph: z.ZodType<Graph>;
  /** True where the whole of a long text can be covered by windows (`long_text`). */
  readonly windows: boolean;
  /** True where `tokenization.span` cuts a long text into overlapping windows, as in Elasticsearch. */
  readonly span: boolean;
  /** True where the model's `prefix_strings` come before the text. */
  readonly prefix: boolean;
  /** @throws Error with what is wrong with the options for this model */
  read(options: Options, manifest: Manifest): Asked;
  /** Names of the graph's outputs. */
  outputs(graph: Graph): readonly string[];
  /** Undefined where the text goes through the model alone. */
  readonly pairs?: (text: string, asked: Asked) => readonly TextPair[];
  /** @throws TextFault for what the text is to blame for */
  part(part: Part, graph: Graph, asked: Asked, model: WorkerModel): Value;
  whole(values: readonly Value[], graph: Graph, asked: Asked, model: WorkerModel): Result | Promise<Result>;
  /** Buffers that are moved to the main thread. */
  readonly moved?: (result: Result) => readonly ArrayBufferLike[];
  /** Bytes that a result takes in memory. */
  size(result: Result): number;
  fields(result: Result, asked: Asked, told: Told): PlainObject;
}

// biome-ignore lint/suspicious/noExplicitAny: a table of tasks holds each with its own types
export type AnyTask = Task<any, any, any, any, any>;

/** What a text, or what is asked of it, is to blame for. */
export class TextFault extends Error {
  override name = 'TextFault';
}

/** @throws Error where an output has another shape than its task wants; `shape` without the batch, e.g. [sequence, labels] */
export const shaped = ({ dims }: Row, ...shape: readonly string[]): void => {
  if (dims.length === shape.length) return;
  throw new Error(
    `the graph gives [batch, ${dims.join(', ')}] where [batch, ${shape.join(', ')}] is expected: it is made for another task`,
  );
};

/** Numbers that are not finite are in no result. */
export const finite = (numbers: Float32Array | readonly number[]): void => {
  // By index: outputs of a vocabulary's size come with every text, and an iterator takes as long as the model.
  for (let at = 0; at < numbers.length; at += 1)
    if (!Number.isFinite(numbers[at])) throw new TextFault('the model answered with numbers that are not finite');
};
