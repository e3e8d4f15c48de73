/** What every engine is asked: something about a text. */
export interface TextRequest {
  readonly text: string;
}

/** What every engine answers: something, and how many tokens it took. */
export interface CountedOutput {
  readonly tokens: number;
  /** Windows in the run that gave it, and tokens that this run was padded with, counted once a run. */
  readonly batch?: number;
  readonly padding?: number;
}

export type DoneWith<Output> = (error: Error | undefined, output?: Output) => void;

/** A request on its way through a deployment. */
export interface Queued<Request, Output> {
  readonly id: number;
  readonly request: Request;
  readonly done: DoneWith<Output>;
  readonly cancelled: () => boolean;
  /** Threads that ended while it ran. */
  attempts: number;
  /** On the monotonic clock. */
  readonly asked: number;
  /** Its name in the crash journal. */
  readonly key: string | undefined;
  /** Its place in the journal's file while it runs. */
  place: number | undefined;
}
