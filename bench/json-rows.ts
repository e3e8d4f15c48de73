import { parseExactJson } from '../src/core/json/parse.ts';
import { readJson } from '../src/core/json/read.ts';
import { scanJson } from '../src/core/json/scan.ts';
import { kilobyteDocuments } from './servers.ts';

const time = (run: () => void): number => {
  const started = performance.now();
  run();
  return performance.now() - started;
};

/** Both paths of the document model beside JSON.parse, on the same kilobyte documents. */
export const jsonRows = (): string[] => {
  const documents = [...kilobyteDocuments(5000)].map((text) => Buffer.from(text));
  const ways = {
    'JSON.parse of the decoded bytes': (bytes: Buffer) => void JSON.parse(bytes.toString()),
    'the scan alone': (bytes: Buffer) => void scanJson(bytes),
    'readJson, faithful documents': (bytes: Buffer) => void readJson(bytes),
    'the exact parser': (bytes: Buffer) => void parseExactJson(bytes.toString()),
  };
  const best = Object.entries(ways).map(([name, way]) => {
    const rounds = Array.from({ length: 7 }, () => time(() => documents.forEach(way)));
    return [name, Math.min(...rounds)] as const;
  });
  const base = best[0]![1];
  return best.map(
    ([name, ms]) => `${`json  ${name}`.padEnd(62)}${(ms / base).toFixed(2).padStart(9)} times JSON.parse`,
  );
};
