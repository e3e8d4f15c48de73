import { positionAt } from './position.ts';

/** A script that cannot be compiled: wrong, or with something that is not supported. */
export class PainlessError extends Error {
  override name = 'PainlessError';
  readonly offset: number;
  readonly line: number;
  readonly column: number;
  constructor(message: string, source: string, offset: number) {
    super(message);
    const { line, column } = positionAt(source, offset);
    this.offset = offset;
    this.line = line;
    this.column = column;
  }
}
