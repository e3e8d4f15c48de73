import { until } from '../../servers/until.ts';

const named = (variable: string): string => {
  const value = process.env[variable];
  if (!value)
    throw new Error(`${variable} is not set: run these tests with \`npm test -- PATH\`, which starts the servers`);
  return value;
};

export const brokers = (): string => named('KAFKA_BROKERS');
/** The same broker's doors that ask for credentials and TLS, whose certificate is the one of test/fixtures/tls. */
export const saslBrokers = (): string => named('SLUICE_TEST_SASL_BROKERS');
export const tlsBrokers = (): string => named('SLUICE_TEST_TLS_BROKERS');
export const mutualTlsBrokers = (): string => named('SLUICE_TEST_MTLS_BROKERS');
export const saslTlsBrokers = (): string => named('SLUICE_TEST_SASL_TLS_BROKERS');
export const elasticsearchUrl = (): string => named('ELASTICSEARCH_URL');

export interface Cluster {
  readonly url: string;
  readonly version: string;
}

/** Every cluster of this run with its version, asked of the cluster itself. */
export const clusters = (): Promise<Cluster[]> =>
  Promise.all(
    [named('ELASTICSEARCH_URL'), process.env.ELASTICSEARCH_8_URL]
      .filter((url): url is string => Boolean(url))
      .map(async (url) => {
        const answer = await fetch(`${url}/_nodes?filter_path=nodes.*.version`);
        const { nodes } = (await answer.json()) as { nodes: Record<string, { version: string }> };
        return { url, version: Object.values(nodes)[0]!.version };
      }),
  );

const control = async (path: string, body?: string): Promise<void> => {
  const url = process.env.SLUICE_TEST_CONTROL;
  if (!url)
    throw new Error(
      'this test needs servers that the tests may stop: run `npm test` without KAFKA_BROKERS and ELASTICSEARCH_URL',
    );
  const answer = await fetch(`${url}${path}`, { method: 'POST', ...(body !== undefined && { body }) });
  if (!answer.ok) throw new Error(`needs servers that the tests may stop: ${await answer.text()}`);
};

/** The data and the address stay. */
export const restartKafka = () => control('/kafka/restart');
export const stopKafka = () => control('/kafka/stop');
export const startKafka = () => control('/kafka/start');
export const stopElasticsearch = () => control('/elasticsearch/stop');
export const startElasticsearch = () => control('/elasticsearch/start');
export const pauseElasticsearch = () => control('/elasticsearch/pause');
export const resumeElasticsearch = () => control('/elasticsearch/resume');

/** Sends lines with Kafka's own Java producer: its batches look different from kafkajs'. */
export const produceWithJava = (topic: string, compression: string, lines: readonly string[]) =>
  control(`/kafka/produce?topic=${topic}&compression=${compression}`, `${lines.join('\n')}\n`);

let count = 0;
/** A name that no other test, and no earlier run, has used. */
export const uniqueName = (what: string): string =>
  `sluice-${what}-${process.pid}-${Date.now().toString(36)}-${++count}`;

export { until };
