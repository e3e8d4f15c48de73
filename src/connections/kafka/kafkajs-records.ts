import type kafkajs from 'kafkajs';
import type { KafkaRecord } from './client.ts';

const NO_HEADERS = {};

export const recordsOf = (messages: readonly kafkajs.KafkaMessage[]): KafkaRecord[] =>
  messages.map(({ offset, timestamp, key, value, headers }) => ({
    offset: BigInt(offset),
    timestamp: Number(timestamp),
    key,
    value,
    headers: headers === undefined ? NO_HEADERS : headersOf(headers),
  }));

/** Of a header that is there several times, the last one counts, as in Kafka's `lastHeader`. */
const headersOf = (headers: kafkajs.IHeaders): KafkaRecord['headers'] => {
  const out: Record<string, string | Uint8Array> = Object.create(null) as Record<string, string | Uint8Array>;
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) out[name] = last;
  }
  return out;
};
