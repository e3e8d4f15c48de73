/** What a schema's text or descriptors cannot be used for. */
export class ProtoSchemaError extends Error {
  override name = 'ProtoSchemaError';
}
