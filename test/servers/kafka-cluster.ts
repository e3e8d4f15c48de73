import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryHome } from './java-server.ts';
import type { Jdk } from './jdk.ts';
import { format, JavaKafka, kafkaClassPath, LOGGING, newClusterId } from './kafka.ts';
import { freePort, type TestKafka } from './server.ts';

export interface KafkaCluster {
  /** Addresses of all nodes. */
  readonly brokers: string;
  /** Nodes 1, the controller, and 2: the latter may stop, and everything is replicated on the former. */
  readonly nodes: readonly [TestKafka, TestKafka];
}

/** Two brokers, for what a single one cannot show: partitions and groups that move to the other. */
export const createKafkaCluster = async (jdk: Jdk): Promise<KafkaCluster> => {
  const classPath = kafkaClassPath(jdk);
  const id = newClusterId();
  const controller = await freePort();
  const node = async (number: 1 | 2): Promise<JavaKafka> => {
    const home = temporaryHome(`kafka-${number}`);
    const port = await freePort();
    const leads = number === 1;
    const settings = {
      'process.roles': leads ? 'broker,controller' : 'broker',
      'node.id': number,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      listeners: `PLAINTEXT://127.0.0.1:${port}${leads ? `,CONTROLLER://127.0.0.1:${controller}` : ''}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      'log.dirs': join(home, 'data'),
      'offsets.topic.replication.factor': 2,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.replication.factor': 2,
      'transaction.state.log.min.isr': 1,
      'transaction.state.log.num.partitions': 4,
      'group.initial.rebalance.delay.ms': 0,
      'auto.create.topics.enable': false,
    };
    const file = join(home, 'server.properties');
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''));
    writeFileSync(join(home, 'log4j2.properties'), LOGGING);
    format(jdk, classPath, file, id);
    return new JavaKafka(home, port, { env: {} }, jdk, classPath);
  };
  const nodes = [await node(1), await node(2)] as const;
  return { brokers: nodes.map(({ address }) => address).join(), nodes };
};
