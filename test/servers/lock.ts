// `node test/servers/lock.ts`: writes jars.sha256 after a version in versions.ts has changed.
import { writeLock } from './artifacts.ts';
import { findJdks } from './jdk.ts';

const [jdk] = findJdks();
if (jdk === undefined) throw new Error('no JDK found');
writeLock(jdk);
