/** A pattern, or a replacement for one, that is invalid or that cannot be run here with the same meaning. */
export class RegexError extends Error {
  override name = 'RegexError';
  /** Where in the pattern, counted in UTF-16 units. */
  readonly index: number;
  constructor(message: string, index: number) {
    super(`${message} near index ${index}`);
    this.index = index;
  }
}
