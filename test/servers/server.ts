import { createServer } from 'node:net';

/** One server that the tests may stop, whatever it runs in. */
export interface TestServer {
  readonly name: string;
  /** `host:port` of Kafka, URL of Elasticsearch. */
  readonly address: string;
  /** Resolves when it answers. The data of an earlier start are there. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Keeps its connections and answers nothing: what a long garbage collection looks like from outside. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Stops for good and deletes its data. */
  remove(): Promise<void>;
  /** At once, from an exit handler. */
  kill(): void;
}

export interface TestKafka extends TestServer {
  /** Addresses that ask for credentials, TLS or both, by the environment variable that tests find them by. */
  readonly doors?: Readonly<Record<string, string>>;
  /** Sends lines with Kafka's own Java producer. */
  produceWithJava(topic: string, compression: string, lines: string): Promise<void>;
}

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Elasticsearch answers, and has chosen itself as the master. */
export const elasticsearchAnswers = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`, {
    signal: AbortSignal.timeout(2000),
  });
  return answer.ok;
};
