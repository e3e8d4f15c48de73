import type { KafkaClient } from './client.ts';
import { kafkajsClient } from './kafkajs.ts';
import type { KafkaConnectionOptions } from './options.ts';
import { platformaticClient } from './platformatic.ts';

const CLIENTS = { kafkajs: kafkajsClient, platformatic: platformaticClient } as const;

/** The library that the options name. */
export const kafkaClient = (options: KafkaConnectionOptions): KafkaClient => CLIENTS[options.client](options);
