import { buildStream } from '../../src/cli/build-stream.ts';
import { mustLoad } from '../../src/cli/load-stream.ts';

/** Runs the pipeline file, and prints how much memory this process took while: 100 samples, evenly over the bytes read. */
const log = { info() {}, warn() {}, error() {} };
const samples: number[] = [];
const stream = buildStream(mustLoad(process.argv[2]!, log), {
  log,
  progress: (read, total) => {
    while (samples.length < Math.floor((100 * read) / total)) samples.push(process.memoryUsage.rss());
  },
});
await stream.start();
await stream.done();
console.log(JSON.stringify(samples));
