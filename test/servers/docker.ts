import { spawn, spawnSync } from 'node:child_process';
import { kafkaAnswers } from './kafka-answers.ts';
import { elasticsearchAnswers, freePort, type TestKafka, type TestServer } from './server.ts';
import { until } from './until.ts';
import { KAFKA } from './versions.ts';

/** A docker binary is no daemon: it has to answer. */
export const dockerAnswers = (): boolean =>
  spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

const docker = (args: readonly string[], input?: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn('docker', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    child.on('error', reject);
    child.on('exit', (status) => (status === 0 ? resolve() : reject(new Error(`docker ${args.join(' ')}: ${errors}`))));
    child.stdin.end(input);
  });

interface ContainerParts {
  readonly name: string;
  readonly address: string;
  /** Arguments of `docker create`. */
  readonly create: readonly string[];
  readonly answers: (address: string) => Promise<boolean>;
}

class Container implements TestServer {
  readonly name: string;
  readonly address: string;
  protected readonly container: string;
  readonly #parts: ContainerParts;
  #created = false;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.address = parts.address;
    this.container = `sluice-test-${process.pid}-${parts.name.toLowerCase().replace(/[^a-z0-9.]+/g, '-')}`;
  }

  async start(): Promise<void> {
    const { create, answers, name, address } = this.#parts;
    if (!this.#created) {
      this.#created = true;
      await docker(['create', '--name', this.container, ...create]);
    }
    await docker(['start', this.container]);
    await until(`${name} answers at ${address}`, () => answers(address), { seconds: 120, everyMs: 500 });
  }

  stop(): Promise<void> {
    return docker(['stop', '--time', '20', this.container]);
  }

  pause(): Promise<void> {
    return docker(['pause', this.container]);
  }

  resume(): Promise<void> {
    return docker(['unpause', this.container]);
  }

  async remove(): Promise<void> {
    this.kill();
  }

  kill(): void {
    if (this.#created) spawnSync('docker', ['rm', '--force', '--volumes', this.container], { stdio: 'ignore' });
    this.#created = false;
  }
}

class KafkaContainer extends Container implements TestKafka {
  produceWithJava(topic: string, compression: string, lines: string): Promise<void> {
    const tool = ['/opt/kafka/bin/kafka-console-producer.sh', '--bootstrap-server', this.address, '--topic', topic];
    tool.push('--compression-codec', compression, '--batch-size', '500000', '--timeout', '500');
    return docker(['exec', '--interactive', this.container, ...tool], lines);
  }
}

export const kafkaContainer = async (): Promise<TestKafka> => {
  const port = await freePort();
  const env = {
    NODE_ID: 1,
    PROCESS_ROLES: 'broker,controller',
    CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    // The same port inside and outside, so that the advertised address holds for both.
    LISTENERS: `PLAINTEXT://:${port},CONTROLLER://localhost:9093`,
    ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    OFFSETS_TOPIC_REPLICATION_FACTOR: 1,
    TRANSACTION_STATE_LOG_REPLICATION_FACTOR: 1,
    TRANSACTION_STATE_LOG_MIN_ISR: 1,
    GROUP_INITIAL_REBALANCE_DELAY_MS: 0,
    AUTO_CREATE_TOPICS_ENABLE: false,
  };
  return new KafkaContainer({
    name: `Kafka ${KAFKA}`,
    address: `127.0.0.1:${port}`,
    create: [
      '--publish',
      `127.0.0.1:${port}:${port}`,
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `KAFKA_${name}=${value}`]),
      `apache/kafka:${KAFKA}`,
    ],
    answers: kafkaAnswers,
  });
};

export const elasticsearchContainer = async (version: string): Promise<TestServer> => {
  const port = await freePort();
  const env = {
    'discovery.type': 'single-node',
    'xpack.security.enabled': false,
    'cluster.routing.allocation.disk.threshold_enabled': false,
    'http.max_content_length': '48mb',
    ES_JAVA_OPTS: '-Xms1g -Xmx1g',
  };
  return new Container({
    name: `Elasticsearch ${version}`,
    address: `http://127.0.0.1:${port}`,
    create: [
      '--publish',
      `127.0.0.1:${port}:9200`,
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      `docker.elastic.co/elasticsearch/elasticsearch:${version}`,
    ],
    answers: elasticsearchAnswers,
  });
};
