import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageOf, SluiceError } from '../../core/errors.ts';
import type { ModelFiles } from '../manifest.ts';
import type { LocalTask } from '../manifest-schema.ts';
import { taskOf } from '../tasks/table.ts';
import type { Row } from '../tasks/task.ts';
import type { ExecutionProvider } from './provider.ts';
import type { Sequence } from './sequence.ts';

/** What a graph may ask for beside the tokens. */
const INPUTS = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'];

/** One ONNX Runtime session. `run` blocks the thread that calls it: it belongs into a worker thread. */
export class OnnxSession {
  readonly #session: InferenceSession;

  private constructor(session: InferenceSession) {
    this.#session = session;
  }

  /**
   * @param threads threads_per_allocation
   * @param provider where it shall run; on the processor where it cannot
   * @throws SluiceError SLUICE_MODEL_INVALID where the graph cannot be loaded, or lacks what the manifest says
   */
  static async load(
    { folder, manifest }: ModelFiles,
    threads: number,
    provider: ExecutionProvider = 'cpu',
  ): Promise<OnnxSession> {
    const path = join(folder, manifest.graph);
    let session: InferenceSession;
    try {
      session = await InferenceSession.create(path, {
        // What a provider cannot run of a graph, the processor does.
        executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
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
    const invalid = (why: string) => new SluiceError('SLUICE_MODEL_INVALID', why, { place: path });
    const wanted = Object.entries(manifest.tasks).flatMap(([task, graph]) =>
      graph === undefined ? [] : taskOf(task as LocalTask).outputs(graph),
    );
    const missing = wanted.find((output) => !session.outputNames.includes(output));
    if (missing !== undefined)
      throw invalid(`the graph has no output [${missing}], only [${session.outputNames.join(', ')}]`);
    const unknown = session.inputNames.filter((name) => !INPUTS.includes(name));
    if (unknown.length > 0)
      throw invalid(`the graph wants inputs that a text model does not have: [${unknown.join(', ')}]`);
    if (!session.inputNames.includes('input_ids')) throw invalid('the graph has no input [input_ids]');
    return new OnnxSession(session);
  }

  /** Runs sequences of equal length together; answers with the rows of each, one for each output. */
  async run(sequences: readonly Sequence[], outputs: readonly string[]): Promise<Row[][]> {
    const batch = sequences.length;
    const length = sequences[0]!.ids.length;
    const shape = [batch, length];
    const ids = new BigInt64Array(batch * length);
    sequences.forEach((sequence, row) => {
      let at = row * length;
      for (const id of sequence.ids) ids[at++] = BigInt(id);
    });
    const feeds: Record<string, Tensor> = { input_ids: new Tensor('int64', ids, shape) };
    const { inputNames } = this.#session;
    if (inputNames.includes('attention_mask'))
      feeds.attention_mask = new Tensor('int64', new BigInt64Array(ids.length).fill(1n), shape);
    if (inputNames.includes('token_type_ids'))
      feeds.token_type_ids = new Tensor('int64', typesOf(sequences, length), shape);
    if (inputNames.includes('position_ids'))
      feeds.position_ids = new Tensor(
        'int64',
        BigInt64Array.from(ids, (_, at) => BigInt(at % length)),
        shape,
      );
    const answers = await this.#session.run(feeds, outputs);
    const tensors = outputs.map((name) => floats(name, answers[name], batch));
    return sequences.map((_, row) =>
      tensors.map(({ data, dims }) => {
        const size = data.length / batch;
        return { data: data.subarray(row * size, (row + 1) * size), dims: dims.slice(1) };
      }),
    );
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}

const typesOf = (sequences: readonly Sequence[], length: number): BigInt64Array => {
  const types = new BigInt64Array(sequences.length * length);
  sequences.forEach((sequence, row) => {
    let at = row * length;
    for (const type of sequence.types ?? []) types[at++] = BigInt(type);
  });
  return types;
};

const floats = (name: string, tensor: Tensor | undefined, batch: number) => {
  if (tensor === undefined || !(tensor.data instanceof Float32Array))
    throw new SluiceError(
      'SLUICE_MODEL_INVALID',
      `the graph answers ${tensor?.type ?? 'nothing'} as [${name}] where float32 is expected`,
    );
  if (tensor.dims[0] !== batch || tensor.dims.length < 2)
    throw new SluiceError(
      'SLUICE_MODEL_INVALID',
      `the graph answers [${name}] in the shape [${tensor.dims.join(', ')}] for a batch of ${batch}`,
    );
  return { data: tensor.data, dims: tensor.dims };
};
