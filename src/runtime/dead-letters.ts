import type { Clock } from '../core/clock.ts';
import type { Sink, WriteFault } from '../core/contracts.ts';
import { SluiceError } from '../core/errors.ts';
import type { IngestFailure } from '../pipeline/failure.ts';
import type { Breakers } from './breaker.ts';
import { bytesKept, deadLetterDocument, LEAST_KEPT } from './dead-letter.ts';
import { type Delivery, placeOf } from './delivery.ts';
import { type Write, Writer, type WriterEvents } from './writer.ts';

/** A failed document on its way to the dead letter. */
interface DeadWrite extends Write {
  readonly delivery: Delivery;
  readonly fault: WriteFault;
  /** Type of the failure and the processor, for an error message. */
  readonly failed: string;
  /** Less of the document, for a destination that refused it whole. */
  readonly smaller: (() => DeadWrite) | undefined;
}

export interface DeadLettersOptions {
  /** Absent where none is configured: a document that fails then stops the stream. */
  readonly sink: Sink | undefined;
  readonly stream: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly breakers: Breakers;
  readonly events: Pick<WriterEvents<Write>, 'blocked' | 'retried' | 'broken'>;
  readonly warn: (message: string, fields?: object) => void;
  /** The destination has it. @param failed what failed, for an error message */
  readonly kept: (delivery: Delivery, failed: string) => void;
  readonly failed: (error: SluiceError) => void;
}

/** Where documents go that failed by their own fault: kept with the reason, or the stream stops in front of them. */
export class DeadLetters {
  readonly #options: DeadLettersOptions;
  readonly #writer: Writer<DeadWrite> | undefined;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
    const { sink, clock, random, signal, events } = options;
    if (sink === undefined) return;
    this.#writer = new Writer<DeadWrite>({
      clock,
      random,
      signal,
      sink,
      breaker: options.breakers.of(sink),
      events: {
        ...events,
        cancelled: () => {},
        delivered: ({ delivery, failed }) => options.kept(delivery, failed),
        refused: (write, fault) => this.#refused(write, fault),
      },
    });
  }

  add(delivery: Delivery, fault: WriteFault, failure: IngestFailure | undefined): void {
    const { sink, warn, clock, stream } = this.#options;
    const place = placeOf(delivery);
    warn('a document failed', {
      place,
      type: fault.type,
      processor: failure?.processorType,
      tag: failure?.processorTag,
    });
    const failed = `${fault.type}${atStep(failure)}`;
    if (sink === undefined || this.#writer === undefined) {
      return this.#options.failed(
        new SluiceError(
          'SLUICE_DOCUMENT_FAILED',
          `a document failed with ${failed}, and there is no dead_letter to keep it`,
          {
            place,
            hint: 'Configure dead_letter (a file, a Kafka topic or an index): it keeps the document and the whole reason, which may show contents and is therefore not printed here. Or let on_failure handle it. Nothing was committed past this document.',
          },
        ),
      );
    }
    const write = (keep: number): DeadWrite => {
      const reason = { fault, ...(failure && { failure }), document: delivery.document, stream, keep };
      const item = sink.prepare(deadLetterDocument(delivery.record, reason, clock.now()), delivery.record);
      const smaller = keep > LEAST_KEPT ? () => write(LEAST_KEPT) : undefined;
      return { delivery, item, bytes: item.bytes, cancelled: false, fault, failed, smaller };
    };
    this.#writer.add(write(bytesKept(sink.maxItemBytes)));
  }

  flush(): void {
    this.#writer?.flush();
  }

  #refused({ delivery, fault: reason, smaller }: DeadWrite, fault: WriteFault): void {
    // Perhaps too large for the place: a part with the reason and the origin is better than a stream that stands still.
    if (smaller !== undefined) return this.#writer!.add(smaller());
    this.#options.failed(
      new SluiceError('SLUICE_DOCUMENT_FAILED', `the dead letter destination refused a document with ${fault.type}`, {
        place: placeOf(delivery),
        hint: `The document had failed with ${reason.type}. Mend the dead_letter destination and start again: nothing was committed past it.`,
      }),
    );
  }
}

/** Reasons may hold document contents; which step it was never does. */
const atStep = (failure: IngestFailure | undefined): string =>
  failure === undefined
    ? ''
    : ` at the processor [${failure.processorType}]${failure.processorTag === undefined ? '' : ` with tag [${failure.processorTag}]`}`;
