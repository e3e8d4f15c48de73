import type { Codec, Source, SourcePort, SourceRecord } from '../../core/contracts.ts';
import { ForwardingSource } from '../forwarding-source.ts';
import { type LetterFilter, matches } from './filter.ts';
import { type DeadLetter, readLetter, recordOfLetter } from './letter.ts';
import { LetterCodecs } from './letter-codec.ts';

export interface DeadLetterSourceParts {
  /** Reads what the dead letter destination holds when it begins, and none of those that fail again. */
  readonly inner: Source;
  readonly filter: LetterFilter;
  readonly log: { warn(message: string, fields?: object): void };
}

/** How many letters were left out, and why. */
export interface LeftOut {
  /** Only a part of the record was kept: it has to be read from its origin again. */
  cut: number;
  /** No dead letter of sluice, or one that a crash cut off. */
  unreadable: number;
}

/** The records behind dead letters, as their source first gave them. */
export class DeadLetterSource extends ForwardingSource {
  override readonly type = 'dead_letter';
  readonly leftOut: LeftOut = { cut: 0, unreadable: 0 };
  readonly #parts: DeadLetterSourceParts;
  readonly #codecs = new LetterCodecs();

  constructor(parts: DeadLetterSourceParts) {
    super(parts.inner);
    this.#parts = parts;
  }

  start(port: SourcePort): Promise<void> {
    return this.inner.start({
      assigned: (name) => port.assigned(name),
      revoked: (name) => port.revoked(name),
      deliver: (name, records) => {
        const wanted = records.flatMap((record) => this.#unwrap(name, record));
        if (wanted.length > 0) port.deliver(name, wanted);
      },
      get full() {
        return port.full;
      },
      room: () => port.room(),
      ended: () => port.ended(),
      failed: (error) => port.failed(error),
      trouble: (fault) => port.trouble(fault),
    });
  }

  #unwrap(name: string, record: SourceRecord): SourceRecord[] {
    const { filter, log } = this.#parts;
    const letter = letterOf(record);
    const place = `${name}@${record.position}`;
    if (letter === undefined) {
      this.leftOut.unreadable += 1;
      log.warn('left out: not a dead letter, or one that was cut off', { place });
      return [];
    }
    if (!matches(letter, filter)) return [];
    if (letter.raw === undefined) {
      this.leftOut.cut += 1;
      log.warn('left out: only a part of the record was kept; read it again from its origin', {
        place,
        origin: letter.place,
      });
      return [];
    }
    const codec = this.#codecOf(letter);
    if (codec === null) {
      this.leftOut.unreadable += 1;
      log.warn('left out: it says that its record is encoded in a way that is not known', {
        place,
        origin: letter.place,
      });
      return [];
    }
    return [recordOfLetter(record, letter, codec)];
  }

  /** Null where nobody knows what it describes. */
  #codecOf({ codec }: DeadLetter): Codec | undefined | null {
    try {
      return codec === undefined ? undefined : this.#codecs.of(codec);
    } catch {
      return null;
    }
  }
}

/** Undefined where the record is none. */
export const letterOf = (record: SourceRecord): DeadLetter | undefined => {
  if (record.value === null) return undefined;
  try {
    return readLetter(record.value);
  } catch {
    return undefined;
  }
};

/** Hands every letter that matches to `take`, in the order in which they lie there, until it answers false. */
export const readLetters = async (
  source: Source,
  filter: LetterFilter,
  take: (letter: DeadLetter) => boolean,
): Promise<void> => {
  let wanted = true;
  try {
    await new Promise<void>((resolve, reject) => {
      const port: SourcePort = {
        assigned: () => undefined,
        revoked: () => {},
        deliver: (_name, records) => {
          for (const record of records) {
            const letter = wanted ? letterOf(record) : undefined;
            if (letter !== undefined && matches(letter, filter)) wanted = take(letter);
          }
          if (!wanted) resolve();
        },
        full: false,
        room: () => Promise.resolve(),
        ended: () => resolve(),
        failed: reject,
        trouble: () => {},
      };
      source.start(port).catch(reject);
    });
  } finally {
    await source.stop();
    await source.close();
  }
};
