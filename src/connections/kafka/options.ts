import { z } from 'zod';
import { duration } from '../../config/units.ts';

const secret = (what: string) =>
  z.string().min(1).describe(`${what} Better from a file or the environment: \${file:…}, \${NAME}.`);

const password = z.strictObject({ username: z.string(), password: secret('Password.') });

/** How to reach a Kafka cluster; shared by the source, the sink and dead letters. */
export const kafkaConnection = {
  brokers: z
    .union([z.string(), z.array(z.string()).min(1)])
    .describe('host:port of some brokers; one string may list several with commas.'),
  client: z
    .enum(['kafkajs', 'platformatic'])
    .default('kafkajs')
    .describe(
      'Library that speaks to the brokers: kafkajs, or platformatic for @platformatic/kafka (Kafka 3.5 or newer).',
    ),
  client_id: z.string().default('sluice'),
  tls: z
    .union([
      z.boolean(),
      z.strictObject({
        ca: z.string().optional().describe('Path of a PEM file with the authority to trust.'),
        certificate: z.string().optional().describe('Path of the client certificate.'),
        key: z.string().optional().describe("Path of the client certificate's key."),
        passphrase: z.string().optional(),
        verify: z.boolean().default(true).describe('false accepts any certificate: for tests only.'),
      }),
    ])
    .optional(),
  sasl: z
    .union([
      z.strictObject({ plain: password }),
      z.strictObject({ scram_sha_256: password }),
      z.strictObject({ scram_sha_512: password }),
      z.strictObject({
        oauthbearer: z.strictObject({
          token: secret('A token that does not expire while the stream runs.').optional(),
          token_endpoint: z.string().optional().describe('URL for the client credentials grant, in place of token.'),
          client_id: z.string().optional(),
          client_secret: secret('Client secret.').optional(),
          scope: z.string().optional(),
        }),
      }),
      z.strictObject({
        aws_msk_iam: z.strictObject({
          region: z.string().min(1).describe('Region of the cluster. The credentials are found as the AWS SDK does.'),
        }),
      }),
    ])
    .optional()
    .describe('One of plain, scram_sha_256, scram_sha_512, oauthbearer, aws_msk_iam.'),
  connect_timeout: duration().default(30_000).describe('How long the start waits for a broker.'),
  request_timeout: duration().default(30_000),
};
export const kafkaConnectionSchema = z.strictObject(kafkaConnection);
export type KafkaConnectionOptions = z.output<typeof kafkaConnectionSchema>;

/** The options that say how brokers are reached, as against what is read from them or written. */
export const KAFKA_CONNECTION = Object.keys(kafkaConnection) as readonly (keyof typeof kafkaConnection)[];

export const brokerList = (brokers: string | readonly string[]): string[] =>
  [brokers].flat().flatMap((entry) =>
    entry
      .split(',')
      .map((broker) => broker.trim())
      .filter((broker) => broker !== ''),
  );
