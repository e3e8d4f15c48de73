import type { IngestDocument } from '../core/document.ts';
import type { JsonValue } from '../core/json/values.ts';

/** A result for a field that is there already is appended, as in Elasticsearch. */
export const setOrAppend = (document: IngestDocument, path: string, value: JsonValue): void => {
  if (document.has(path)) document.append(path, [value].flat(), true);
  else document.set(path, value);
};

/** Calls `done` behind the work; what the work throws is the processor's failure, not its caller's. */
export const finish = (done: (error?: Error) => void, work: () => void): void => {
  try {
    work();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
};
