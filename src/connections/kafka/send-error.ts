import { messageOf } from '../../core/errors.ts';
import { KafkaSendError } from './client.ts';

const SPLIT: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);
const DESTINATION: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'POLICY_VIOLATION',
]);

/** Whose fault it is that messages were not taken, by Kafka's name of the error. */
export const sendError = (error: unknown): KafkaSendError => {
  const type = typeOf(error) ?? (error as Error).name;
  return new KafkaSendError(
    SPLIT.has(type) ? 'split' : DESTINATION.has(type) ? 'destination' : 'retry',
    type,
    messageOf(error),
    error,
  );
};

/** kafkajs wraps what it does not try again. */
const typeOf = (error: unknown): string | undefined => {
  const { type, cause } = error as { type?: string; cause?: unknown };
  return type ?? (cause instanceof Error ? typeOf(cause) : undefined);
};
