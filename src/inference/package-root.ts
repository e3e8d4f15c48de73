import { fileURLToPath } from 'node:url';

/** sluice's own folder: dist/inference or src/inference lie two levels below it. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
