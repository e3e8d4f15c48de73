import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

type Name = 'ca.crt' | `${'server' | 'client' | 'forged'}.${'crt' | 'key'}` | 'none.crt';

/** Path of one of test/fixtures/tls: an authority that nobody installed, and what it signed; valid until 2126. */
export const tlsFile = (name: Name): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

export const tlsText = (name: Name): string => readFileSync(tlsFile(name), 'utf8');
