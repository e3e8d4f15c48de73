import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Jdk } from './jdk.ts';
import { ARTIFACTS } from './versions.ts';

const LOCK = new URL('jars.sha256', import.meta.url);
const JAVA_SOURCES = new URL('java/', import.meta.url);
/** Named, so that every machine runs the same one. */
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** Outside the checkout: a fresh clone finds what an earlier one has downloaded. */
const cacheFolder = (): string => {
  const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice-test-servers');
  mkdirSync(folder, { recursive: true });
  return folder;
};

const pom = (coordinates: readonly string[]): string => {
  const dependencies = coordinates.map((coordinate) => {
    const [group, artifact, version] = coordinate.replace('!', '').split(':');
    const alone = coordinate.endsWith('!')
      ? '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
      : '';
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${alone}</dependency>`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>sluice</groupId><artifactId>test-servers</artifactId><version>1</version>
<dependencies>${dependencies.join('')}</dependencies></project>`;
};

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout ?? ''}${stderr ?? ''}`);
};

const checksums = (folder: string): Map<string, string> =>
  new Map(
    readdirSync(folder)
      .sort()
      .map((jar) => [
        jar,
        createHash('sha256')
          .update(readFileSync(join(folder, jar)))
          .digest('hex'),
      ]),
  );

/** What the lock file says of one server: jar → SHA-256. */
const locked = (name: string): Map<string, string> => {
  const lines = readFileSync(LOCK, 'utf8').split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [sha256 = '', path = ''] = line.split('  ');
      const [owner, jar = ''] = path.split('/');
      return owner === name ? [[jar, sha256] as const] : [];
    }),
  );
};

const verify = (name: string, folder: string): void => {
  const [wanted, found] = [locked(name), checksums(folder)];
  const wrong = [...new Set([...wanted.keys(), ...found.keys()])].filter((jar) => wanted.get(jar) !== found.get(jar));
  if (wrong.length > 0)
    throw new Error(
      `${folder}: not what test/servers/jars.sha256 says: ${wrong.join(', ')}. Delete that folder to download again.`,
    );
};

const download = (name: string, jdk: Jdk): string => {
  const cache = cacheFolder();
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;
  // Beside its place and renamed into it: an interrupted download must not look like a whole one.
  const working = mkdtempSync(join(cache, `.${name}-`));
  try {
    writeFileSync(join(working, 'pom.xml'), pom(ARTIFACTS[name]!));
    const args = ['-q', '-B', '-f', join(working, 'pom.xml'), PLUGIN, '-DincludeScope=runtime'];
    run('mvn', [...args, `-DoutputDirectory=${join(working, 'lib')}`], { ...process.env, JAVA_HOME: jdk.home });
    renameSync(join(working, 'lib'), folder);
  } finally {
    rmSync(working, { recursive: true, force: true });
  }
  return folder;
};

/** The server's jars, downloaded once and verified each time. Answers with their paths. */
export const jars = (name: string, jdk: Jdk): string[] => {
  const folder = download(name, jdk);
  verify(name, folder);
  return readdirSync(folder)
    .sort()
    .map((jar) => join(folder, jar));
};

/** A class of test/servers/java, compiled once for each source text, class path and JDK. Answers with its folder. */
export const compiled = (source: string, classPath: readonly string[], jdk: Jdk): string => {
  const file = new URL(`${source}.java`, JAVA_SOURCES);
  const digest = createHash('sha256')
    .update([readFileSync(file, 'utf8'), jdk.version, ...classPath].join('\n'))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder(), 'classes', digest);
  if (existsSync(join(folder, `${source}.class`))) return folder;
  const working = mkdtempSync(join(cacheFolder(), '.classes-'));
  try {
    run(join(jdk.home, 'bin/javac'), ['-proc:none', '-d', working, '-cp', classPath.join(':'), file.pathname]);
    mkdirSync(join(cacheFolder(), 'classes'), { recursive: true });
    renameSync(working, folder);
  } finally {
    rmSync(working, { recursive: true, force: true });
  }
  return folder;
};

/** Rewrites the lock file from what Maven gives now; for whoever changes a version. */
export const writeLock = (jdk: Jdk): void => {
  const lines = Object.keys(ARTIFACTS).flatMap((name) =>
    [...checksums(download(name, jdk))].map(([jar, sha256]) => `${sha256}  ${name}/${jar}`),
  );
  writeFileSync(LOCK, `${lines.join('\n')}\n`);
};
