/** Mean of the token vectors. @param hidden [tokens, dims] */
export const meanPool = (hidden: Float32Array, tokens: number, dims: number): Float32Array => {
  const mean = new Float32Array(dims);
  for (let token = 0; token < tokens; token += 1) {
    const row = token * dims;
    for (let dim = 0; dim < dims; dim += 1) mean[dim]! += hidden[row + dim]!;
  }
  for (let dim = 0; dim < dims; dim += 1) mean[dim]! /= tokens;
  return mean;
};

/** L2 normalisation in place; a zero vector stays as it is. */
export const normalize = (vector: Float32Array): Float32Array => {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return vector;
  const scale = 1 / Math.sqrt(square);
  for (let dim = 0; dim < vector.length; dim += 1) vector[dim]! *= scale;
  return vector;
};

/**
 * A vector as JSON numbers. Nine digits after the largest component's leading one hold all that a float has, and are
 * half as long as the double's.
 */
export const toNumbers = (vector: Float32Array): number[] => {
  let largest = 0;
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  const numbers = new Array<number>(vector.length);
  const scale = largest > 0 && Number.isFinite(largest) ? 10 ** (8 - Math.floor(Math.log10(largest))) : 1;
  for (let dim = 0; dim < vector.length; dim += 1) numbers[dim] = Math.round(vector[dim]! * scale) / scale;
  return numbers;
};
