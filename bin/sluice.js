#!/usr/bin/env node
// Old syntax only: this file must run on the Node that it refuses.
var parts = process.versions.node.split('.');
var major = Number(parts[0]);
if (major < 22 || (major === 22 && Number(parts[1]) < 15)) {
  console.error(
    'sluice needs Node 22.15 or newer and this is ' +
      process.version +
      '. Install Node 24, or run "npm ci" with the development dependencies: they bring one, and "npx sluice" uses it.',
  );
  process.exit(2);
}
// What is never answered must not look like success: Node ends with this status when nothing is left to wait for.
process.exitCode = 1;
// An install without the development dependencies cannot build; this Node may run the sources as they are.
import('../dist/cli/main.js')
  .catch((error) => {
    if (!isMissing(error) || !process.features.typescript) throw error;
    return import('../src/cli/main.ts');
  })
  .then(
    (cli) =>
      cli.main(process.argv.slice(2)).then(() => {
        // At once: the Kafka client goes on looking for brokers that are gone, for a minute.
        process.stdout.write('', () => process.exit());
      }),
    (error) => {
      console.error(
        isMissing(error)
          ? 'sluice is not built: run "npm ci" with the development dependencies, or use Node 24, which runs it unbuilt.'
          : error,
      );
      process.exit(2);
    },
  );

function isMissing(error) {
  return error && error.code === 'ERR_MODULE_NOT_FOUND' && /cli\/main/.test(error.message);
}
