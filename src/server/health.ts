import fastify, { type FastifyInstance } from 'fastify';
import { messageOf, SluiceError } from '../core/errors.ts';

/** What is asked of a process. */
export interface HealthParts {
  /** The body of `/readyz`, beside its status. */
  readonly ready: () => { readonly ready: boolean } & Readonly<Record<string, unknown>>;
  /** Prometheus' text format. */
  readonly metrics: () => Promise<string>;
}

/** `/livez`, `/readyz` and `/metrics`, on loopback unless told otherwise. Nothing here changes anything. */
export const healthServer = async (parts: HealthParts, address: string): Promise<FastifyInstance> => {
  const server = fastify({ logger: false, bodyLimit: 1024 });
  server.get('/livez', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_, reply) => {
    const { ready, ...details } = parts.ready();
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', ...details });
  });
  server.get('/metrics', async (_, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await parts.metrics()),
  );
  const [host, port] = splitAddress(address);
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw new SluiceError('SLUICE_USAGE', `--http cannot listen on [${address}]: ${messageOf(error)}`, {
      hint: 'Name another port, or end the process that has this one.',
      cause: error,
    });
  }
  return server;
};

/** `127.0.0.1:9281`, `[::1]:9281`, `:9281` or `9281`; loopback where no host is named. */
export const splitAddress = (address: string): [string, number] => {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):?(\d{1,5})$/.exec(address) ?? /^()()(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new SluiceError('SLUICE_USAGE', `--http takes no such address: [${address}]`, {
      hint: 'Write it like 127.0.0.1:9281; ports end at 65535.',
    });
  return [match[1] || match[2] || '127.0.0.1', port];
};
