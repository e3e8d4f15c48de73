import { type KafkaClient, type KafkaMessage, KafkaSendError } from '../../connections/kafka/client.ts';
import { RequestError, type Sink, type WriteItem } from '../../core/contracts.ts';
import type { IngestDocument } from '../../core/document.ts';

export interface KafkaSinkParts {
  readonly client: KafkaClient;
  readonly topic: (document: IngestDocument) => string;
  readonly key: ((document: IngestDocument) => string) | undefined;
}

interface MessageItem extends WriteItem {
  readonly message: KafkaMessage;
}

/** Documents as messages; delivered once all in-sync replicas have them. */
export const kafkaSink = ({ client, topic, key }: KafkaSinkParts): Sink<MessageItem> => {
  const producer = client.producer();
  return {
    type: 'kafka',
    // Below the broker's usual message.max.bytes of 1 MB; one request at a time keeps the order of a key.
    limits: { max_documents: 500, max_bytes: 900_000, max_age_ms: 100, max_in_flight: 1 },
    maxItemBytes: 900_000,
    open: () => producer.connect(),
    prepare: (document, record) => {
      const line = document.toLine();
      const deleted = document.metadata.get('_op_type') === 'delete';
      const message: KafkaMessage = {
        topic: topic(document),
        key: key?.(document) ?? record.key,
        value: deleted ? null : line,
        ...(document.trace && { headers: { traceparent: document.trace.traceparent } }),
      };
      return { key: undefined, bytes: typeof line === 'string' ? Buffer.byteLength(line) : line.length, message };
    },
    write: async (items) => {
      try {
        await producer.send(items.map(({ message }) => message));
      } catch (error) {
        if (!(error instanceof KafkaSendError)) throw error;
        throw new RequestError(error.kind, { type: error.type, reason: error.message }, { cause: error });
      }
      return items.map(() => ({ outcome: 'delivered' }));
    },
    close: () => producer.close(),
  };
};
