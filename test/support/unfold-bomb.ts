import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { installCompression } from '../../src/connections/kafka/compression.ts';
import { boundDecompression } from '../../src/connections/kafka/platformatic-compression.ts';
import { BOMBS } from './bombs.ts';

/** Unfolds the bomb of this name with this client's codec, and prints what came of it and how far the memory rose. */
const [, , name, client] = process.argv;
installCompression();
boundDecompression();
const [codec, bomb] = BOMBS[name!]!;
const data = bomb();
const kafkajsCodecs = kafkajs.CompressionCodecs as unknown as Record<
  number,
  () => { decompress(data: Buffer): Promise<Buffer> }
>;
const platformaticCodecs = compressionsAlgorithmsByBitmask as unknown as Record<
  number,
  { decompressSync(data: Buffer): Buffer }
>;
const unfold = async (): Promise<Buffer> =>
  client === 'platformatic'
    ? platformaticCodecs[codec]!.decompressSync(data)
    : kafkajsCodecs[codec]!().decompress(data);
const before = process.memoryUsage.rss();
const error = await unfold().then(
  (out) => `it unfolded to ${out.length} bytes`,
  (reason: Error) => reason.message,
);
const rise = process.resourceUsage().maxRSS * 1024 - before;
console.log(JSON.stringify({ error, rise, bytes: data.length }));
