#!/usr/bin/env node
// Old syntax only: this file must run on the Node that it refuses.
var parts = process.versions.node.split('.');
var major = Number(parts[0]);
if (major < 22 || (major === 22 && Number(parts[1]) < 15)) {
  console.error(
    'sluice needs Node 22.15 or newer and this is ' +
      process.version +
      '. Run it as "npx sluice" in the project (it brings its own Node), or install Node 24.',
  );
  process.exit(2);
}
import('../dist/cli/main.js').then(
  (cli) =>
    cli.main(process.argv.slice(2)).then(() => {
      // At once: the Kafka client goes on looking for brokers that are gone, for a minute.
      process.stdout.write('', () => process.exit());
    }),
  (error) => {
    console.error(
      error && error.code === 'ERR_MODULE_NOT_FOUND' && /dist\/cli\/main/.test(error.message)
        ? 'sluice is not built yet: run "npm run build" first.'
        : error,
    );
    process.exit(2);
  },
);
