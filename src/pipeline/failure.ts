import { messageOf, ProcessorError } from '../core/errors.ts';

export interface FailurePlace {
  readonly processorType: string;
  readonly processorTag: string | undefined;
  /** Names of the pipelines around the processor, the outermost first. */
  readonly pipelines: readonly string[];
}

/** A document's failure with the processor it is put down to in Elasticsearch's on_failure metadata. */
export class IngestFailure extends Error {
  override name = 'IngestFailure';
  readonly type: string;
  /** `_ingest.on_failure_message`: what the innermost cause says, e.g. `For input string: "x"`. */
  readonly rootMessage: string;
  readonly processorType: string;
  readonly processorTag: string | undefined;
  readonly pipelines: readonly string[];
  constructor(cause: unknown, place: FailurePlace) {
    super(messageOf(cause), { cause });
    this.type = cause instanceof ProcessorError ? cause.type : 'exception';
    this.rootMessage = messageOf(rootOf(cause));
    this.processorType = place.processorType;
    this.processorTag = place.processorTag;
    this.pipelines = place.pipelines;
  }
}

const rootOf = (error: unknown): unknown => {
  let root = error;
  // Only what processors threw on purpose: causes below come from libraries and may show what the user did not ask for.
  while (root instanceof ProcessorError && root.cause instanceof ProcessorError) root = root.cause;
  return root;
};
