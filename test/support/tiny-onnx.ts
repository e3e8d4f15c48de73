/**
 * Writes ONNX graphs of a few hundred bytes for tests, with exact numbers: a table of token vectors, looked up for each
 * token, and for a classifier averaged over the text. Field numbers are those of onnx.proto (ONNX IR 8, opset 13).
 */
export interface TinyGraph {
  /** One row for each token of the vocabulary. */
  readonly rows: readonly (readonly number[])[];
  /** True for logits [batch, columns], false for [batch, sequence, columns]. */
  readonly averaged: boolean;
  /** Name of the graph's output; default logits. */
  readonly output?: string;
  /** In place of it: outputs [batch, sequence], each with a number for each token of the vocabulary. */
  readonly heads?: Readonly<Record<string, readonly number[]>>;
}

const INT64 = 7;
const FLOAT = 1;

const varint = (value: number): number[] => {
  const out: number[] = [];
  let left = value;
  for (; left > 0x7f; left = Math.floor(left / 128)) out.push((left & 0x7f) | 0x80);
  return [...out, left];
};
const bytes = (field: number, content: readonly number[] | Uint8Array): number[] => [
  ...varint(field * 8 + 2),
  ...varint(content.length),
  ...content,
];
const text = (field: number, value: string): number[] => bytes(field, new TextEncoder().encode(value));
const integer = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)];

const named = (name: string, type: number, dims: readonly string[]): number[] => [
  ...text(1, name),
  ...bytes(
    2,
    bytes(1, [
      ...integer(1, type),
      ...bytes(
        2,
        dims.flatMap((dim) => bytes(1, text(2, dim))),
      ),
    ]),
  ),
];

const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: readonly number[] = [],
): number[] => [...inputs.flatMap((input) => text(1, input)), ...text(2, output), ...text(4, type), ...attributes];

/** AttributeProto: name 1, type 20, i 3, ints 8. */
const attribute = (name: string, value: number | readonly number[]): number[] =>
  bytes(5, [
    ...text(1, name),
    ...(typeof value === 'number'
      ? [...integer(3, value), ...integer(20, 2)]
      : [...value.flatMap((item) => integer(8, item)), ...integer(20, 7)]),
  ]);

const tensor = (name: string, dims: readonly number[], values: readonly number[]): number[] => [
  ...dims.flatMap((dim) => integer(1, dim)),
  ...integer(2, FLOAT),
  ...text(8, name),
  ...bytes(9, new Uint8Array(new Float32Array(values).buffer)),
];

const model = (graph: readonly number[]): Uint8Array =>
  Uint8Array.from([...integer(1, 8), ...bytes(7, graph), ...bytes(8, integer(2, 13))]);

const INPUTS = [
  ...text(2, 'tiny'),
  ...bytes(11, named('input_ids', INT64, ['batch', 'sequence'])),
  ...bytes(11, named('attention_mask', INT64, ['batch', 'sequence'])),
];

/** The graph as the bytes of a `.onnx` file: inputs input_ids and attention_mask, one output unless there are heads. */
export const tinyOnnx = ({ rows, averaged, output = 'logits', heads }: TinyGraph): Uint8Array => {
  if (heads !== undefined)
    return model([
      ...Object.keys(heads).flatMap((name) => bytes(1, node('Gather', [`table of ${name}`, 'input_ids'], name))),
      ...INPUTS,
      ...Object.entries(heads).flatMap(([name, values]) => [
        ...bytes(5, tensor(`table of ${name}`, [values.length], values)),
        ...bytes(12, named(name, FLOAT, ['batch', 'sequence'])),
      ]),
    ]);
  const columns = rows[0]!.length;
  const lookup = node('Gather', ['table', 'input_ids'], averaged ? 'vectors' : output);
  const average = node('ReduceMean', ['vectors'], output, [...attribute('axes', [1]), ...attribute('keepdims', 0)]);
  return model([
    ...bytes(1, lookup),
    ...(averaged ? bytes(1, average) : []),
    ...INPUTS,
    ...bytes(5, tensor('table', [rows.length, columns], rows.flat())),
    ...bytes(12, named(output, FLOAT, averaged ? ['batch', 'columns'] : ['batch', 'sequence', 'columns'])),
  ]);
};
