import { createServer, type IncomingMessage } from 'node:http';
import type { TestKafka, TestServer } from './server.ts';

const text = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
};

/** Lets test processes stop the servers that this process holds. Answers with its URL and how to close it. */
export const controlServer = async (
  kafka: TestKafka | undefined,
  elasticsearch: TestServer | undefined,
): Promise<{ url: string; close(): void }> => {
  const act = async (request: IncomingMessage): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const [, name = '', action = ''] = pathname.split('/');
    const server = name === 'kafka' ? kafka : name === 'elasticsearch' ? elasticsearch : undefined;
    if (server === undefined) throw new Error(`[${name}] is not a server that this run has started`);
    if (action === 'produce' && kafka !== undefined)
      return kafka.produceWithJava(searchParams.get('topic')!, searchParams.get('compression')!, await text(request));
    if (action === 'restart') {
      await server.stop();
      return server.start();
    }
    if (action !== 'start' && action !== 'stop' && action !== 'pause' && action !== 'resume')
      throw new Error(`no action [${action}]`);
    await server[action]();
  };
  const server = createServer((request, response) => {
    act(request).then(
      () => response.end('{}'),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};
