import PQueue from 'p-queue';
import { z } from 'zod';
import { backoff } from '../../core/backoff.ts';
import { type Clock, sleep } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { RegistryHttp } from './http.ts';
import type { SchemaRegistryOptions } from './options.ts';

/** A number from the registry, or a GUID, which is the same in every registry. */
export type SchemaId = number | string;

export interface ReferencedSchema {
  readonly name: string;
  readonly text: string;
}

export interface RegisteredSchema {
  readonly id: SchemaId;
  /** AVRO, JSON, PROTOBUF. */
  readonly type: string;
  readonly text: string;
  /** What the schema refers to, each after what it refers to itself. */
  readonly references: readonly ReferencedSchema[];
}

export interface RegistryLog {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
}

export interface SchemaRegistryParts {
  readonly options: SchemaRegistryOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: RegistryLog;
}

/** The registry says that it has no such schema, and went on saying so. */
export class UnknownSchemaError extends Error {
  override name = 'UnknownSchemaError';
}

/** Waits between questions for what the registry does not know: its followers learn of new schemas with delay. */
const MISSING_WAITS_MS = [250, 500, 1000, 2000];
const BACKOFF = { initial_ms: 200, max_ms: 15_000 };
const LOG_EVERY_MS = 30_000;
/** Documents full of rubbish name many ids; the registry is asked for a few at a time. */
const CONCURRENCY = 8;
const MAX_REFERENCES = 1000;

const answerSchema = z.object({
  schema: z.string(),
  schemaType: z.string().nullish(),
  references: z.array(z.object({ name: z.string(), subject: z.string(), version: z.number() })).nullish(),
});
type SchemaAnswer = z.output<typeof answerSchema>;
/** Subject, version, schema not found. A plain 404 is a wrong URL or a proxy: no document's fault. */
const missingSchema = z.object({ error_code: z.union([z.literal(40401), z.literal(40402), z.literal(40403)]) });
const refusalSchema = z.object({ message: z.string() });

/** Schemas from a registry, with patience: whatever is not the asked id's own fault is tried again for ever. */
export class SchemaRegistry {
  readonly #http: RegistryHttp;
  readonly #parts: SchemaRegistryParts;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });
  readonly #closed = new AbortController();
  #loggedAt = Number.NEGATIVE_INFINITY;
  #down = false;

  constructor(parts: SchemaRegistryParts) {
    this.#parts = parts;
    this.#http = new RegistryHttp(parts.options);
  }

  /**
   * The schema and all it refers to. Stays pending while the registry cannot be reached or refuses to answer, and for
   * good once closed.
   * @throws UnknownSchemaError when the registry does not have it
   */
  async load(id: SchemaId): Promise<RegisteredSchema> {
    const path = typeof id === 'number' ? `/schemas/ids/${id}` : `/schemas/guids/${id}`;
    const answer = await this.#ask(path, typeof id === 'number' ? `schema id ${id}` : `schema guid ${id}`);
    const references: ReferencedSchema[] = [];
    await this.#addReferences(answer, references, new Set());
    return { id, type: answer.schemaType ?? 'AVRO', text: answer.schema, references };
  }

  /** Whoever still waits for a schema waits for ever. */
  close(): void {
    this.#closed.abort(new Error('the connection to the schema registry is closed'));
  }

  async #addReferences(of: SchemaAnswer, into: ReferencedSchema[], seen: Set<string>): Promise<void> {
    for (const { name, subject, version } of of.references ?? []) {
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      if (seen.has(path)) continue;
      seen.add(path);
      if (seen.size > MAX_REFERENCES) throw new UnknownSchemaError(`it refers to more than ${MAX_REFERENCES} schemas`);
      const answer = await this.#ask(path, `its reference, subject [${subject}] version ${version},`);
      await this.#addReferences(answer, into, seen);
      into.push({ name, text: answer.schema });
    }
  }

  async #ask(path: string, what: string): Promise<SchemaAnswer> {
    const { clock, random } = this.#parts;
    const { signal } = this.#closed;
    let missing = 0;
    for (let failed = 0; ; ) {
      let wait: number;
      try {
        // Outside of the caller's turn, which may be a slice that somebody interrupts.
        await null;
        const { status, body } = await this.#queue.add(() => this.#http.get(path, signal));
        const answer = status === 200 ? answerSchema.safeParse(body) : undefined;
        if (answer?.success) return this.#reached(answer.data);
        if (status !== 404 || !missingSchema.safeParse(body).success) throw new Error(refusalOf(status, body));
        this.#reached(undefined);
        if (missing >= MISSING_WAITS_MS.length)
          throw new UnknownSchemaError(`${what} is not in the schema registry ${this.#http.place}`);
        wait = MISSING_WAITS_MS[missing]!;
        missing += 1;
        this.#http.rotate();
      } catch (error) {
        if (error instanceof UnknownSchemaError) throw error;
        if (signal.aborted) return new Promise(() => {});
        failed += 1;
        wait = backoff(failed, random, BACKOFF);
        this.#complain(messageOf(error), path);
      }
      await sleep(clock, wait, signal).catch(() => new Promise(() => {}));
    }
  }

  #reached<T>(answer: T): T {
    if (this.#down) this.#parts.log.info('the schema registry answers again', { url: this.#http.place });
    this.#down = false;
    this.#loggedAt = Number.NEGATIVE_INFINITY;
    return answer;
  }

  #complain(reason: string, path: string): void {
    const now = this.#parts.clock.monotonic();
    this.#down = true;
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#parts.log.warn('the schema registry gives no schema: documents wait for it', {
      url: this.#http.place,
      path,
      reason,
    });
  }
}

const refusalOf = (status: number, body: unknown): string => {
  const said = refusalSchema.safeParse(body);
  if (said.success) return `HTTP status ${status}: ${said.data.message}`;
  return body === undefined || status === 200
    ? `HTTP status ${status}, but not the answer of a schema registry: check the URL`
    : `HTTP status ${status}`;
};
