import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { LocalTask, Manifest, ModelFiles } from '../manifest.ts';
import { meanPool, normalize } from '../tasks/text-embedding.ts';
import type { Tokenizer } from '../tokenizer.ts';
import type { Window } from '../windows.ts';

/** What one window gave. Logits are [pieces, labels], special tokens left out. */
export interface WindowResult {
  readonly logits: Float32Array | undefined;
  readonly vector: Float32Array | undefined;
}

/** One ONNX Runtime session. `run` blocks the thread that calls it: it belongs into a worker thread. */
export class OnnxSession {
  readonly #session: InferenceSession;
  readonly #manifest: Manifest;
  readonly #tokenizer: Tokenizer;

  private constructor(session: InferenceSession, manifest: Manifest, tokenizer: Tokenizer) {
    this.#session = session;
    this.#manifest = manifest;
    this.#tokenizer = tokenizer;
  }

  /** @param threads threads_per_allocation */
  static async load({ folder, manifest }: ModelFiles, tokenizer: Tokenizer, threads: number): Promise<OnnxSession> {
    const path = join(folder, manifest.graph);
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(path, {
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
      });
    } catch (error) {
      throw new SluiceError('SLUICE_MODEL_INVALID', `ONNX Runtime cannot load the graph: ${messageOf(error)}`, {
        place: path,
        cause: error,
      });
    }
    const wanted = Object.values(manifest.tasks).flatMap((task) => (task === undefined ? [] : [task.output]));
    for (const output of wanted) {
      if (!session.outputNames.includes(output)) {
        throw new SluiceError(
          'SLUICE_MODEL_INVALID',
          `the graph has no output [${output}], only [${session.outputNames.join(', ')}]`,
          { place: path },
        );
      }
    }
    const unknown = session.inputNames.filter(
      (name) => !['input_ids', 'attention_mask', 'token_type_ids'].includes(name),
    );
    if (unknown.length > 0) {
      throw new SluiceError(
        'SLUICE_MODEL_INVALID',
        `the graph wants inputs that a text model does not have: [${unknown.join(', ')}]`,
        { place: path },
      );
    }
    return new OnnxSession(session, manifest, tokenizer);
  }

  /** Runs windows of equal length together. */
  async run(windows: readonly Window[], tasks: ReadonlySet<LocalTask>): Promise<WindowResult[]> {
    const { before, after } = this.#tokenizer;
    const batch = windows.length;
    const length = before.length + windows[0]!.pieces.ids.length + after.length;
    const ids = new BigInt64Array(batch * length);
    windows.forEach(({ pieces }, row) => {
      let at = row * length;
      for (const id of before) ids[at++] = BigInt(id);
      for (const id of pieces.ids) ids[at++] = BigInt(id);
      for (const id of after) ids[at++] = BigInt(id);
    });
    const shape = [batch, length];
    const feeds: Record<string, Tensor> = { input_ids: new Tensor('int64', ids, shape) };
    const { inputNames } = this.#session;
    if (inputNames.includes('attention_mask'))
      feeds.attention_mask = new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape);
    if (inputNames.includes('token_type_ids'))
      feeds.token_type_ids = new Tensor('int64', new BigInt64Array(ids.length), shape);
    const { ner, text_embedding } = this.#manifest.tasks;
    const fetches = [
      ner !== undefined && tasks.has('ner') ? ner.output : undefined,
      text_embedding !== undefined && tasks.has('text_embedding') ? text_embedding.output : undefined,
    ];
    const outputs = await this.#session.run(
      feeds,
      fetches.filter((name) => name !== undefined),
    );
    const logits = fetches[0] === undefined ? undefined : floats(outputs[fetches[0]]);
    const hidden = fetches[1] === undefined ? undefined : floats(outputs[fetches[1]]);
    return windows.map((_, row) => ({
      logits: logits && this.#logitsOf(logits, row, batch, length),
      vector: hidden && this.#vectorOf(hidden, row, batch, length),
    }));
  }

  #logitsOf(all: Float32Array, row: number, batch: number, length: number): Float32Array {
    const labels = all.length / (batch * length);
    const { before, after } = this.#tokenizer;
    return all.subarray((row * length + before.length) * labels, ((row + 1) * length - after.length) * labels);
  }

  #vectorOf(all: Float32Array, row: number, batch: number, length: number): Float32Array {
    const { pooling, normalize: normalised } = this.#manifest.tasks.text_embedding!;
    const size = all.length / batch;
    const own = all.slice(row * size, (row + 1) * size);
    const dims = pooling === 'none' ? size : size / length;
    const vector = pooling === 'none' ? own : pooling === 'cls' ? own.slice(0, dims) : meanPool(own, length, dims);
    return normalised ? normalize(vector) : vector;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

const floats = (tensor: Tensor | undefined): Float32Array => {
  if (tensor === undefined || !(tensor.data instanceof Float32Array)) {
    throw new SluiceError(
      'SLUICE_MODEL_INVALID',
      `the graph answers ${tensor?.type ?? 'nothing'} where float32 is expected`,
    );
  }
  return tensor.data;
};
