/** A place in a script: `offset` in UTF-16 units from 0, line and column from 1. */
export interface Position {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

export const positionAt = (source: string, offset: number): Position => {
  let line = 1;
  let start = 0;
  for (let end = source.indexOf('\n'); end >= 0 && end < offset; end = source.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return { offset, line, column: offset - start + 1 };
};
