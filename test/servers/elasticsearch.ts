import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compiled, jars } from './artifacts.ts';
import { JavaServer, temporaryHome } from './java-server.ts';
import type { Jdk } from './jdk.ts';
import { elasticsearchAnswers, freePort, type TestServer } from './server.ts';
import { NEEDED_JDK } from './versions.ts';

const descriptor = (version: string): string => `name=transport-netty4
description=Netty 4 based transport implementation
classname=org.elasticsearch.transport.netty4.Netty4Plugin
version=${version}
elasticsearch.version=${version}
java.version=${NEEDED_JDK[`elasticsearch-${version}`]}
`;

/** A node with HTTP on loopback. No x-pack: no security, no machine learning, no ingest processors. */
export const createElasticsearch = async (version: string, jdk: Jdk): Promise<TestServer> => {
  const all = jars(`elasticsearch-${version}`, jdk);
  // A plugin has a class loader of its own: its jars lie in its folder and not on the class path.
  const plugin = all.filter((jar) => /^(netty-|transport-netty4-)/.test(basename(jar)));
  const libraries = all.filter((jar) => !plugin.includes(jar));
  const classPath = [
    compiled('WhileStdinOpen', [], jdk),
    compiled('ElasticsearchLauncher', libraries, jdk),
    ...libraries,
  ].join(':');
  const home = temporaryHome(`elasticsearch-${version}`);
  const module = join(home, 'modules/transport-netty4');
  for (const folder of ['config', 'data', 'modules/transport-netty4'])
    mkdirSync(join(home, folder), { recursive: true });
  for (const jar of plugin) copyFileSync(jar, join(module, basename(jar)));
  writeFileSync(join(module, 'plugin-descriptor.properties'), descriptor(version));
  const port = await freePort();
  const settings = {
    'http.port': port,
    'transport.port': await freePort(),
    'network.host': '127.0.0.1',
    'discovery.type': 'single-node',
    'cluster.name': 'sluice-test',
    'cluster.routing.allocation.disk.threshold_enabled': false,
    // Small enough for a test to exceed.
    'http.max_content_length': '48mb',
  };
  const args = ['-Xmx1g', '--add-opens', 'java.base/java.io=ALL-UNNAMED', '--enable-native-access=ALL-UNNAMED'];
  args.push(`-Des.path.home=${home}`, '-cp', classPath, 'WhileStdinOpen', 'ElasticsearchLauncher', home);
  for (const [name, value] of Object.entries(settings)) args.push(`${name}=${value}`);
  return new JavaServer({
    name: `Elasticsearch ${version}`,
    address: `http://127.0.0.1:${port}`,
    java: join(jdk.home, 'bin/java'),
    args,
    home,
    answers: elasticsearchAnswers,
  });
};
