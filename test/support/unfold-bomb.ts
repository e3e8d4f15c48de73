import kafkajs from 'kafkajs';
import { installCompression } from '../../src/connections/kafka/compression.ts';
import { BOMBS } from './bombs.ts';

/** Unfolds the bomb of this name, and prints what came of it and how far the memory rose. */
installCompression();
const [codec, bomb] = BOMBS[process.argv[2]!]!;
const data = bomb();
const table = kafkajs.CompressionCodecs as unknown as Record<
  number,
  () => { decompress(data: Buffer): Promise<Buffer> }
>;
const before = process.memoryUsage.rss();
const error = await table[codec]!()
  .decompress(data)
  .then(
    (out) => `it unfolded to ${out.length} bytes`,
    (reason: Error) => reason.message,
  );
const rise = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ error, rise, bytes: data.length }));
