import type { SourceRecord } from './contracts.ts';

/** One document's span, from its arrival to its end. Never gets contents. */
export interface DocumentTrace {
  /** W3C header for what follows from the document. */
  readonly traceparent: string;
  readonly sampled: boolean;
  /** A model is asked; to be called when it has answered. */
  inference(model: string): (error: Error | undefined) => void;
  /** @param outcome undefined where it was only let go of, and comes again */
  end(outcome: string | undefined): void;
}

/** One request to the destination, linked to the documents in it. */
export interface RequestTrace {
  readonly traceparent: string;
  end(error: unknown): void;
}

/** What the engine tells of its work; absent where nobody asked for traces. */
export interface Tracing {
  document(stream: string, partition: string, record: SourceRecord): DocumentTrace;
  /** Undefined where none of its documents is sampled. */
  request(stream: string, sink: string, documents: readonly (DocumentTrace | undefined)[]): RequestTrace | undefined;
}
