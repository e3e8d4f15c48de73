import { z } from 'zod';
import type { JsonValue } from '../../core/json/values.ts';
import { finite, type Row, type Task } from './task.ts';

const graph = z.strictObject({ output: z.string().describe('Graph output of any shape [batch, …].') });
const options = z.strictObject({});

/** The output as it is: [PyTorchPassThroughResults]. */
export const passThrough: Task<z.output<typeof graph>, z.output<typeof options>, Record<string, never>, Row, Row> = {
  graph,
  options,
  windows: false,
  span: false,
  prefix: false,
  read: () => ({}),
  outputs: ({ output }) => [output],
  part: ({ rows: [row] }) => {
    finite(row!.data);
    return { data: row!.data.slice(), dims: row!.dims };
  },
  whole: ([row]) => row!,
  moved: ({ data }) => [data.buffer],
  size: ({ data }) => data.byteLength,
  // Elasticsearch keeps the batch of one, and a vector is a row of it.
  fields: ({ data, dims }, _asked, { results_field }) => ({
    [results_field]: nested(data, dims.length < 2 ? [1, ...dims] : dims),
  }),
};

const nested = (data: Float32Array, dims: readonly number[]): JsonValue => {
  const [count = 1, ...rest] = dims;
  if (rest.length === 0) return Array.from(data);
  const size = data.length / count;
  return Array.from({ length: count }, (_, at) => nested(data.subarray(at * size, (at + 1) * size), rest));
};
