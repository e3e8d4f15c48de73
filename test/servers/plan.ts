import { spawnSync } from 'node:child_process';
import { dockerAnswers, elasticsearchContainer, kafkaContainer } from './docker.ts';
import { createElasticsearch } from './elasticsearch.ts';
import { findJdks, type Jdk, oldestJdk } from './jdk.ts';
import { createKafka } from './kafka.ts';
import type { TestKafka, TestServer } from './server.ts';
import { ELASTICSEARCH, KAFKA, NEEDED_JDK } from './versions.ts';

export interface Plan {
  /** What was found and will be started, for a person. */
  readonly description: string;
  /** Why the integration tests cannot run, with the command that mends it. */
  readonly problem?: string;
  readonly kafka?: () => Promise<TestKafka>;
  /** By the name of the environment variable with the address. */
  readonly elasticsearch: Readonly<Record<string, () => Promise<TestServer>>>;
}

const VARIABLES = ['ELASTICSEARCH_URL', 'ELASTICSEARCH_8_URL'] as const;
const MEND =
  'apt-get install maven openjdk-21-jdk-headless\n(or start Docker, or set KAFKA_BROKERS and ELASTICSEARCH_URL to servers that the tests may write to)';

/** Servers named by the environment, else containers, else the servers' Maven artifacts in a JVM. */
export const planServers = (): Plan => {
  const { KAFKA_BROKERS, ELASTICSEARCH_URL, ELASTICSEARCH_8_URL } = process.env;
  const given = [
    KAFKA_BROKERS && `Kafka at ${KAFKA_BROKERS}`,
    ELASTICSEARCH_URL &&
      `Elasticsearch at ${[ELASTICSEARCH_URL, ELASTICSEARCH_8_URL].filter(Boolean).join(' and ')}${ELASTICSEARCH_8_URL ? '' : ' (a second one only with ELASTICSEARCH_8_URL)'}`,
  ].filter(Boolean);
  const versions = ELASTICSEARCH_URL ? [] : ELASTICSEARCH;
  const wanted = [
    ...(KAFKA_BROKERS ? [] : [`Kafka ${KAFKA}`]),
    ...(versions.length > 0 ? [`Elasticsearch ${versions.join(', ')}`] : []),
  ];
  if (wanted.length === 0) return { description: given.join(', '), elasticsearch: {} };
  const start = wanted.join(' and ');
  const describe = (how: string) => [...given, `${start} ${how}`].join('; ');
  if (dockerAnswers())
    return {
      description: describe('from Docker'),
      ...(!KAFKA_BROKERS && { kafka: kafkaContainer }),
      elasticsearch: byVariable(versions, elasticsearchContainer),
    };
  const jdks = findJdks();
  const needed = Math.max(
    ...(KAFKA_BROKERS ? [] : [NEEDED_JDK[`kafka-${KAFKA}`]!]),
    ...versions.map((version) => NEEDED_JDK[`elasticsearch-${version}`]!),
  );
  // One for all of them.
  const jdk = oldestJdk(needed, jdks);
  const maven = spawnSync('mvn', ['--version'], { stdio: 'ignore' }).status === 0;
  if (jdk === undefined || !maven) {
    const lacks = [
      ...(jdk === undefined ? [`no JDK ${needed} or newer${foundInstead(jdks)}`] : []),
      ...(maven ? [] : ['no Maven']),
    ];
    const problem = `${start} cannot be started: no Docker daemon, ${lacks.join(', ')}. This mends it:\n\n  ${MEND}`;
    return { description: [...given, `nothing to start ${start} with`].join('; '), problem, elasticsearch: {} };
  }
  return {
    description: describe(`from Maven with JDK ${jdk.version} (${jdk.home})`),
    ...(!KAFKA_BROKERS && { kafka: () => createKafka(jdk) }),
    elasticsearch: byVariable(versions, (version) => createElasticsearch(version, jdk)),
  };
};

const byVariable = (versions: readonly string[], create: (version: string) => Promise<TestServer>) =>
  Object.fromEntries(versions.map((version, index) => [VARIABLES[index]!, () => create(version)]));

const foundInstead = (jdks: readonly Jdk[]): string =>
  jdks.length === 0 ? '' : ` (only ${jdks.map(({ version, home }) => `${version} in ${home}`).join(', ')})`;
