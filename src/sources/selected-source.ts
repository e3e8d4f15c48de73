import { hash } from 'node:crypto';
import type { Codec, Decoded, Source, SourcePort, SourceRecord } from '../core/contracts.ts';
import { ProcessorError, SluiceError } from '../core/errors.ts';
import { getKey, isObject, type JsonValue } from '../core/json/values.ts';
import { ForwardingSource } from './forwarding-source.ts';

/** Which documents of a source are wanted. */
export interface Selection {
  /** Documents at most. */
  readonly limit?: number | undefined;
  /** The share of all, from 0 to 1; the same documents each time. */
  readonly sample?: number | undefined;
  /** One of so many parts, from 1 on; together they are everything. */
  readonly part?: { readonly number: number; readonly of: number } | undefined;
  /** Documents from `since` on and before `until`, in milliseconds since 1970. */
  readonly time?: { readonly field: string; readonly since: number; readonly until: number } | undefined;
}

/** How a selection is written down in a checkpoint: positions hold for the same one only. */
export const selectionText = ({ sample, part, time }: Selection): string | undefined =>
  [
    sample !== undefined && `sample ${sample}`,
    part !== undefined && `part ${part.number}/${part.of}`,
    time !== undefined && `${time.field} from ${time.since} to ${time.until}`,
  ]
    .filter(Boolean)
    .join(', ') || undefined;

/**
 * Hands over some of a source's documents. Sample and part look at the document's id, so one document is either in or
 * out, wherever it lies, and all that is done to one id stays in one part, in order.
 */
export class SelectedSource extends ForwardingSource {
  readonly #selection: Selection;
  readonly #codec: Codec;
  readonly #leftOut: (documents: number) => void;
  #delivered = 0;
  #over = false;
  #passedOver = 0;

  /**
   * @param codec for records that bring none; it must need no waiting where times are looked at
   * @param leftOut told at the end how many documents were read and are not wanted
   */
  constructor(inner: Source, selection: Selection, codec: Codec, leftOut: (documents: number) => void = () => {}) {
    super(inner);
    this.#selection = selection;
    this.#codec = codec;
    this.#leftOut = leftOut;
  }

  async start(port: SourcePort): Promise<void> {
    await this.inner.start({
      assigned: (partition) => port.assigned(partition),
      revoked: (partition) => port.revoked(partition),
      deliver: (partition, records) => this.#deliver(port, partition, records),
      get full() {
        return port.full;
      },
      room: () => port.room(),
      ended: () => {
        if (this.#over) return;
        this.#tellLeftOut();
        port.ended();
      },
      failed: (error) => {
        if (!this.#over) port.failed(error);
      },
      trouble: (fault) => port.trouble(fault),
    });
  }

  #deliver(port: SourcePort, partition: string, records: readonly SourceRecord[]): void {
    if (this.#over) return;
    const { limit = Number.POSITIVE_INFINITY } = this.#selection;
    let some = records.flatMap((record) => this.#wanted(record));
    this.#passedOver += records.length - some.length;
    if (this.#delivered + some.length > limit) some = some.slice(0, Math.ceil(limit - this.#delivered));
    this.#delivered += some.length;
    if (some.length > 0) port.deliver(partition, some);
    if (this.#delivered < limit) return;
    this.#over = true;
    // Not waited for: it waits for this very delivery.
    void this.inner.stop().catch(() => {});
    this.#tellLeftOut();
    port.ended();
  }

  #tellLeftOut(): void {
    if (this.#passedOver > 0) this.#leftOut(this.#passedOver);
  }

  #wanted(record: SourceRecord): SourceRecord[] {
    const { sample, part, time } = this.#selection;
    if (sample !== undefined && shareOf(record.defaultId(), 'sample') >= sample) return [];
    if (part !== undefined && Math.floor(shareOf(record.defaultId(), 'part') * part.of) !== part.number - 1) return [];
    if (time === undefined || record.value === null) return [record];
    const at = this.#timeOf(record, time.field);
    // What cannot be decoded ends in the dead letter as it always does.
    if (at === undefined) return [record];
    if (Number.isNaN(at)) return [withoutTime(record, time.field)];
    return at >= time.since && at < time.until ? [record] : [];
  }

  #timeOf(record: SourceRecord, field: string): number | undefined {
    let decoded: Decoded | Promise<Decoded>;
    try {
      decoded = (record.codec ?? this.#codec).decode(record.value!, record.headers);
    } catch {
      return undefined;
    }
    if (!(decoded instanceof Promise)) return millisOf(valueAt(decoded.source, field));
    decoded.catch(() => {});
    throw new SluiceError(
      'SLUICE_USAGE',
      'documents cannot be selected by their time where a schema registry is asked first',
      {
        hint: 'Leave --since and --until out; of a topic they are times of its records.',
      },
    );
  }
}

/** Evenly spread over 0 to 1; two purposes draw independently of each other. */
const shareOf = (id: string, purpose: string): number =>
  hash('sha256', `${purpose}\u0000${id}`, 'buffer').readUIntBE(0, 6) / 2 ** 48;

/** A field under its own name, dots and all, or along its dots. */
const valueAt = (source: JsonValue, field: string): JsonValue | undefined => {
  if (!isObject(source)) return undefined;
  const own = getKey(source, field);
  if (own !== undefined) return own;
  for (let dot = field.indexOf('.'); dot >= 0; dot = field.indexOf('.', dot + 1)) {
    const inner = getKey(source, field.slice(0, dot));
    const found = inner === undefined ? undefined : valueAt(inner, field.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
};

/** As Elasticsearch reads a date without a format: ISO 8601, or milliseconds since 1970. */
export const millisOf = (value: JsonValue | undefined): number => {
  if (Array.isArray(value)) return millisOf(value[0]);
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return Number.NaN;
  if (/^-?\d{5,}$/.test(value)) return Number(value);
  // No zone means UTC, which Date holds for days only.
  return /^\d{4}-\d\d-\d\dT[\d:.,]+$/.test(value)
    ? Date.parse(`${value}Z`)
    : /^\d{4}/.test(value)
      ? Date.parse(value)
      : Number.NaN;
};

/** Whether it is wanted nobody knows, so somebody has to look: a dead letter. */
const withoutTime = (record: SourceRecord, field: string): SourceRecord => {
  const { position, next, bytes, value, key, headers, timestamp } = record;
  const codec: Codec = {
    type: 'json',
    ...(record.codec?.description && { description: record.codec.description }),
    decode: () => {
      throw new ProcessorError('illegal_argument_exception', `field [${field}] holds no time to select by`);
    },
  };
  const names = { defaultId: () => record.defaultId(), origin: () => record.origin() };
  return { position, next, bytes, value, key, headers, timestamp, ...names, codec };
};
