export type Path = readonly (string | number)[];

/** A mistake in a pipeline, where it stands in the file. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  /** Offset inside a script, where the mistake is in one. */
  readonly offset?: number;
}
