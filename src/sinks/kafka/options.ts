import { z } from 'zod';
import { kafkaConnection } from '../../connections/kafka/options.ts';

export const kafkaSinkOptions = z.strictObject({
  ...kafkaConnection,
  brokers: kafkaConnection.brokers
    .optional()
    .describe('As for the source; left out, the connection of a kafka source is used.'),
  topic: z.string().min(1).describe('Topic, may be a template.'),
  key: z.string().optional().describe("Template of the message key; default: the source record's own key."),
});
export type KafkaSinkOptions = z.output<typeof kafkaSinkOptions>;
