import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

export interface Jdk {
  readonly home: string;
  readonly version: number;
}

const inFolder = (folder: string): string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
};

const candidates = (): string[] => [
  ...(process.env.JAVA_HOME ? [process.env.JAVA_HOME] : []),
  ...(process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'java'))
    .filter((java) => existsSync(java))
    .map((java) => dirname(dirname(realpathSync(java)))),
  ...inFolder('/usr/lib/jvm'),
  ...inFolder('/opt'),
  ...inFolder('/Library/Java/JavaVirtualMachines').map((folder) => join(folder, 'Contents/Home')),
];

/** All JDKs of this machine, each asked for its version: folder names prove nothing. */
export const findJdks = (): Jdk[] => {
  const homes = new Set<string>();
  // javac too: a JRE cannot compile the launchers.
  for (const home of candidates()) if (existsSync(join(home, 'bin/javac'))) homes.add(realpathSync(home));
  return [...homes].flatMap((home) => {
    const { stderr = '', status } = spawnSync(join(home, 'bin/java'), ['-version'], { encoding: 'utf8' });
    const version = /version "(\d+)/.exec(stderr);
    return status === 0 && version !== null ? [{ home, version: Number(version[1]) }] : [];
  });
};

/** The oldest that is new enough has seen most use with a server. */
export const oldestJdk = (needed: number, jdks = findJdks()): Jdk | undefined =>
  jdks.filter(({ version }) => version >= needed).sort((a, b) => a.version - b.version)[0];
