import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled, jars } from './artifacts.ts';
import { JavaServer, temporaryHome } from './java-server.ts';
import type { Jdk } from './jdk.ts';
import { kafkaAnswers } from './kafka-answers.ts';
import { type Doors, kafkaDoors } from './kafka-doors.ts';
import { freePort, type TestKafka } from './server.ts';
import { KAFKA, SASL_USER } from './versions.ts';

/** A listener whose clients are told to come to another port: that of a proxy in front of it. */
export interface ProxiedDoor {
  readonly port: number;
  readonly advertised: number;
}

/**
 * One node that is broker and controller, with what a single node needs, and more doors for credentials and TLS.
 */
const properties = (home: string, port: number, doors: Doors, controller: number, behind?: ProxiedDoor): string =>
  Object.entries({
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port}${doors.listeners},CONTROLLER://127.0.0.1:${controller}${behind ? `,PROXIED://127.0.0.1:${behind.port}` : ''}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${doors.listeners}${behind ? `,PROXIED://127.0.0.1:${behind.advertised}` : ''}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT${doors.protocols}${behind ? ',PROXIED:PLAINTEXT' : ''}`,
    ...doors.properties,
    'log.dirs': join(home, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

export const LOGGING = `appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
`;

export class JavaKafka extends JavaServer implements TestKafka {
  readonly #java: string;
  readonly #classPath: string;

  readonly doors: Doors['env'];

  constructor(home: string, port: number, doors: Pick<Doors, 'env'>, jdk: Jdk, classPath: string) {
    const java = join(jdk.home, 'bin/java');
    const address = `127.0.0.1:${port}`;
    super({
      name: `Kafka ${KAFKA}`,
      address,
      java,
      args: [
        '-Xmx512m',
        `-Dlog4j2.configurationFile=${join(home, 'log4j2.properties')}`,
        '-cp',
        classPath,
        'WhileStdinOpen',
        'kafka.Kafka',
        join(home, 'server.properties'),
      ],
      home,
      answers: kafkaAnswers,
    });
    this.#java = java;
    this.doors = doors.env;
    this.#classPath = classPath;
  }

  produceWithJava(topic: string, compression: string, lines: string): Promise<void> {
    const args = ['-Xmx256m', '-cp', this.#classPath, 'org.apache.kafka.tools.ConsoleProducer'];
    args.push('--bootstrap-server', this.address, '--topic', topic, '--compression-codec', compression);
    // Time and room enough for the whole of it to become one batch of many blocks.
    args.push('--batch-size', '500000', '--timeout', '500');
    return new Promise((resolve, reject) => {
      const child = spawn(this.#java, args, { stdio: ['pipe', 'ignore', 'pipe'] });
      let errors = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        errors += text;
      });
      child.on('error', reject);
      child.on('exit', (status) => (status === 0 ? resolve() : reject(new Error(`the Java producer: ${errors}`))));
      child.stdin.end(lines);
    });
  }
}

export const createKafka = async (jdk: Jdk, behind?: ProxiedDoor): Promise<TestKafka> => {
  const classPath = kafkaClassPath(jdk);
  const home = temporaryHome('kafka');
  const port = await freePort();
  const file = join(home, 'server.properties');
  const keyStore = join(home, 'server.pem');
  const doors = await kafkaDoors(keyStore);
  writeFileSync(keyStore, doors.keyStore);
  writeFileSync(file, properties(home, port, doors, await freePort(), behind));
  writeFileSync(join(home, 'log4j2.properties'), LOGGING);
  format(jdk, classPath, file, newClusterId(), SASL_MECHANISMS.flatMap(scram));
  return new JavaKafka(home, port, doors, jdk, classPath);
};

const SASL_MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'];
const scram = (mechanism: string): string[] => [
  '--add-scram',
  `${mechanism}=[name=${SASL_USER.username},password=${SASL_USER.password}]`,
];

export const newClusterId = (): string => randomBytes(16).toString('base64url');

/** Gives a node its storage. */
export const format = (jdk: Jdk, classPath: string, file: string, id: string, more: readonly string[] = []): void => {
  // As one word: an id may begin with a hyphen.
  const storage = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', `--cluster-id=${id}`, '-c', file, ...more];
  const { status, stdout, stderr } = spawnSync(join(jdk.home, 'bin/java'), storage, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Kafka's storage could not be formatted: ${stdout}${stderr}`);
};

export const kafkaClassPath = (jdk: Jdk): string =>
  [compiled('WhileStdinOpen', [], jdk), ...jars(`kafka-${KAFKA}`, jdk)].join(':');
