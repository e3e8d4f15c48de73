/** What Java would throw while a script runs, under Elasticsearch's name for it. */
export class JavaError extends Error {
  override name = 'JavaError';
  readonly type: string;
  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export const classCast = (message: string): JavaError => new JavaError('class_cast_exception', message);
export const illegalArgument = (message: string): JavaError => new JavaError('illegal_argument_exception', message);
export const outOfBounds = (message: string): JavaError => new JavaError('index_out_of_bounds_exception', message);
export const stringOutOfBounds = (message: string): JavaError =>
  new JavaError('string_index_out_of_bounds_exception', message);
export const unsupported = (message: string): JavaError => new JavaError('unsupported_operation_exception', message);
/** In the words of the JVM. */
export const nullPointer = (what = 'callArgs[0]'): JavaError =>
  new JavaError('null_pointer_exception', `Cannot invoke "Object.getClass()" because "${what}" is null`);
export const readOnly = (): JavaError => unsupported('Mutating ingest documents in conditionals is not supported');
