/** Every code that sluice shows, with the exit status of a command that ends with it. docs/reference/errors.md lists them. */
export const ERROR_CODES = {
  SLUICE_USAGE: { exitCode: 2, about: 'The command line is wrong.' },
  SLUICE_CONFIG_INVALID: {
    exitCode: 3,
    about: 'A pipeline file is not valid; every mistake is listed with line and column.',
  },
  SLUICE_CONFIG_UNREADABLE: { exitCode: 3, about: 'A pipeline file, schema or secret file cannot be read.' },
  SLUICE_SOURCE_UNREACHABLE: {
    exitCode: 4,
    about: 'No broker answered within connect_timeout, or its certificate is not accepted.',
  },
  SLUICE_SOURCE_AUTH: { exitCode: 4, about: 'The broker refused the credentials or the client certificate.' },
  SLUICE_SOURCE_FAILED: { exitCode: 4, about: 'Reading from the source failed for good.' },
  SLUICE_SOURCE_UNREADABLE: { exitCode: 4, about: 'A dump file is missing, unreadable or damaged.' },
  SLUICE_SINK_UNREACHABLE: { exitCode: 5, about: 'The destination did not answer within connect_timeout.' },
  SLUICE_SINK_AUTH: {
    exitCode: 5,
    about: 'The destination, or the cluster of a remote model, refused the credentials.',
  },
  SLUICE_SINK_MAPPING: { exitCode: 5, about: "The destination's mapping does not fit what the stream writes." },
  SLUICE_SINK_UNWRITABLE: { exitCode: 5, about: 'The output file cannot be written.' },
  SLUICE_SINK_UNSUPPORTED: { exitCode: 5, about: 'The destination does not support what the stream asks of it.' },
  SLUICE_MODEL_MISSING: {
    exitCode: 6,
    about: "The model's folder or one of its files is missing, or the cluster has no such model.",
  },
  SLUICE_MODEL_INVALID: { exitCode: 6, about: "The model's files do not fit each other, or a checksum is wrong." },
  SLUICE_MODEL_CRASHED: {
    exitCode: 6,
    about: 'Loading the model ended the trial process: it would have ended this one too.',
  },
  SLUICE_MODEL_STORE: {
    exitCode: 6,
    about: 'The model store cannot be read or written, or another process changes the same model.',
  },
  SLUICE_HUB_UNREACHABLE: { exitCode: 6, about: 'The model hub did not answer, or not as a hub does.' },
  SLUICE_HUB_AUTH: { exitCode: 6, about: 'The model hub refused the token, or asks for one.' },
  SLUICE_INFERENCE_QUEUE_FULL: { exitCode: 6, about: 'The deployment has queue_capacity requests waiting.' },
  SLUICE_INFERENCE_CLOSED: { exitCode: 6, about: 'The deployment is stopping.' },
  SLUICE_SCHEMA_REGISTRY: { exitCode: 4, about: 'The schema registry cannot be reached or refused the request.' },
  SLUICE_DEAD_LETTER_RATIO: {
    exitCode: 7,
    about: 'Too many of the last documents went to the dead letter; the stream stopped.',
  },
  SLUICE_DOCUMENT_FAILED: {
    exitCode: 7,
    about: 'A document failed and no dead_letter is configured; the stream stopped rather than lose it.',
  },
  SLUICE_CHECKPOINT: { exitCode: 8, about: 'The checkpoint cannot be read, written, or does not fit the files.' },
  SLUICE_STATE: { exitCode: 8, about: 'The state folder of `sluice serve` cannot be read or written.' },
  SLUICE_INTERNAL: { exitCode: 1, about: 'A fault of sluice itself; please report it.' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
