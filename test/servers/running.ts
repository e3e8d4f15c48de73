import { controlServer } from './control.ts';
import type { Plan } from './plan.ts';
import type { TestServer } from './server.ts';

export interface RunningServers {
  /** What test processes find them by. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts what the plan names, side by side. What has started is removed again when another one cannot, or at exit. */
export const startServers = async (plan: Plan): Promise<RunningServers> => {
  const servers: TestServer[] = [];
  const kill = () => {
    for (const server of servers) server.kill();
  };
  process.once('exit', kill);
  const stop = async () => {
    await Promise.all(servers.map((server) => server.remove()));
    process.off('exit', kill);
  };
  const start = async <T extends TestServer>(create: () => Promise<T>): Promise<T> => {
    const server = await create();
    servers.push(server);
    await server.start();
    return server;
  };
  const env: Record<string, string> = {};
  try {
    const kafkaStarts = plan.kafka && start(plan.kafka);
    const elasticsearchStarts = Object.entries(plan.elasticsearch).map(async ([variable, create]) => {
      const server = await start(create);
      env[variable] = server.address;
      return [variable, server] as const;
    });
    // All of them, so that none is still starting when the others are removed.
    const failed = (await Promise.allSettled([kafkaStarts, ...elasticsearchStarts])).find(
      (result) => result.status === 'rejected',
    );
    if (failed !== undefined) throw failed.reason;
    const kafka = await kafkaStarts;
    if (kafka !== undefined) env.KAFKA_BROKERS = kafka.address;
    Object.assign(env, kafka?.doors);
    const clusters = new Map(await Promise.all(elasticsearchStarts));
    const control = await controlServer(kafka, clusters.get('ELASTICSEARCH_URL'));
    env.SLUICE_TEST_CONTROL = control.url;
    return {
      env,
      stop: async () => {
        control.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
