import { main } from '../../src/cli/main.ts';

// The product from its sources, so that a hook can patch them.
process.exitCode = 1;
await main(process.argv.slice(2));
process.exit();
