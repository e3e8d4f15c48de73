import { messageOf, ProcessorError } from '../core/errors.ts';

export interface FailurePlace {
  readonly processorType: string;
  readonly processorTag: string | undefined;
  /** Names of the pipelines around the processor, the outermost first. */
  readonly pipelines: readonly string[];
}

/** A document's failure with the innermost processor it came from, as Elasticsearch's on_failure metadata tells it. */
export class IngestFailure extends Error {
  override name = 'IngestFailure';
  readonly type: string;
  readonly processorType: string;
  readonly processorTag: string | undefined;
  readonly pipelines: readonly string[];
  constructor(cause: unknown, place: FailurePlace) {
    super(messageOf(cause), { cause });
    this.type = cause instanceof ProcessorError ? cause.type : 'exception';
    this.processorType = place.processorType;
    this.processorTag = place.processorTag;
    this.pipelines = place.pipelines;
  }
}
