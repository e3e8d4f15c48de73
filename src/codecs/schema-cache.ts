import {
  type RegisteredSchema,
  type SchemaId,
  type SchemaRegistry,
  UnknownSchemaError,
} from '../connections/schema_registry/registry.ts';
import type { Clock } from '../core/clock.ts';
import { ProcessorError } from '../core/errors.ts';

/** How long an unknown id stays unknown: topics full of rubbish must not hammer the registry. */
const REMEMBER_MS = 60_000;
/** Ids that are remembered at most, the oldest goes first. */
const MAX_READY = 10_000;
const MAX_FAULTS = 10_000;

interface Fault {
  readonly error: ProcessorError;
  readonly until: number;
}

/** What a codec makes of each schema, made once: documents find it without waiting from then on. */
export class SchemaCache<T extends object> {
  readonly #registry: Pick<SchemaRegistry, 'load'>;
  readonly #clock: Clock;
  readonly #make: (schema: RegisteredSchema) => T;
  readonly #ready = new Map<SchemaId, T>();
  readonly #loading = new Map<SchemaId, Promise<T>>();
  readonly #faults = new Map<SchemaId, Fault>();

  /** @param make throws a ProcessorError for a schema that this codec cannot use */
  constructor(registry: Pick<SchemaRegistry, 'load'>, clock: Clock, make: (schema: RegisteredSchema) => T) {
    this.#registry = registry;
    this.#clock = clock;
    this.#make = make;
  }

  /** A promise only while the schema is being fetched. Throws or rejects with a ProcessorError, the document's fault. */
  get(id: SchemaId): T | Promise<T> {
    const ready = this.#ready.get(id);
    if (ready !== undefined) return ready;
    const fault = this.#faults.get(id);
    if (fault !== undefined) {
      if (this.#clock.monotonic() < fault.until) throw fault.error;
      this.#faults.delete(id);
    }
    const loading = this.#loading.get(id);
    if (loading !== undefined) return loading;
    // No registry gives negative ids out; asking for one would only be a roundabout way to hear that.
    if (typeof id === 'number' && id < 0) throw unknown(`schema id ${id} cannot exist`);
    const load = this.#load(id).finally(() => this.#loading.delete(id));
    this.#loading.set(id, load);
    return load;
  }

  async #load(id: SchemaId): Promise<T> {
    try {
      const made = this.#make(await this.#registry.load(id));
      keep(this.#ready, id, made, MAX_READY);
      return made;
    } catch (error) {
      const fault = error instanceof UnknownSchemaError ? unknown(error.message) : error;
      if (fault instanceof ProcessorError) {
        // A schema never changes under its id, but what it refers to may turn up late.
        keep(this.#faults, id, { error: fault, until: this.#clock.monotonic() + REMEMBER_MS }, MAX_FAULTS);
      }
      throw fault;
    }
  }
}

const unknown = (message: string) => new ProcessorError('unknown_schema_id', message);

const keep = <V>(map: Map<SchemaId, V>, id: SchemaId, value: V, limit: number): void => {
  if (map.size >= limit) map.delete(map.keys().next().value!);
  map.set(id, value);
};
