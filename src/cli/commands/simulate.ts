import { readFileSync } from 'node:fs';
import { stdin } from 'node:process';
import { buffer } from 'node:stream/consumers';
import { messageOf, SluiceError } from '../../core/errors.ts';
import { trialRun } from '../../inference/trial.ts';
import { processorResult, simulatedResult } from '../../pipeline/simulate.ts';
import { tracedPipeline } from '../../pipeline/trace.ts';
import { ingestDocument } from '../../server/elasticsearch/ingest-document.ts';
import { runDocuments } from '../../server/elasticsearch/run-documents.ts';
import { mustLoad } from '../load-stream.ts';
import { createLog } from '../log.ts';

export interface SimulateOptions {
  readonly doc?: string;
  readonly verbose?: boolean;
}

interface Given {
  readonly source: Buffer;
  readonly meta: Readonly<Record<string, unknown>>;
}

/**
 * `sluice simulate`: documents through the pipeline of a file, nothing is written. Takes and gives the bodies of
 * `_ingest/pipeline/_simulate`.
 */
export const simulate = async (file: string, { doc, verbose = false }: SimulateOptions): Promise<number> => {
  const log = createLog(false, (text) => void process.stderr.write(text));
  const given = documentsOf(doc === undefined || doc === '-' ? await buffer(stdin) : readFile(doc));
  const { pipeline, traits, models } = mustLoad(file, log);
  try {
    await models.start(trialRun);
    const documents = given.map(({ source, meta }) => ingestDocument(source, meta));
    const told = documents.map((): object[] => []);
    const results = await runDocuments(
      documents.map((document, at) => ({
        document,
        pipeline: {
          usesRegex: traits.usesRegex,
          compiled: verbose
            ? tracedPipeline(pipeline, (trace) => told[at]!.push(processorResult(trace, document)))
            : pipeline,
        },
      })),
      new AbortController().signal,
    );
    const docs = verbose
      ? told.map((processor_results) => ({ processor_results }))
      : results.map((result, at) => simulatedResult(documents[at]!, result));
    console.log(JSON.stringify({ docs }, undefined, 2));
    return results.some(({ outcome }) => outcome === 'failed') ? 7 : 0;
  } finally {
    await models.close();
  }
};

const readFile = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SluiceError('SLUICE_CONFIG_UNREADABLE', `the documents cannot be read: ${messageOf(error)}`, {
      place: path,
    });
  }
};

/** A `_simulate` body, one document, or a document a line. @throws SluiceError SLUICE_USAGE */
const documentsOf = (bytes: Buffer): Given[] => {
  const text = bytes.toString('utf8').trim();
  const whole = parsed(text);
  if (whole !== undefined && Array.isArray((whole as { docs?: unknown }).docs))
    return (whole as { docs: Record<string, unknown>[] }).docs.map(({ _source, ...meta }) => ({
      source: Buffer.from(JSON.stringify(_source ?? {})),
      meta: { ...meta, routing: meta._routing, version: meta._version },
    }));
  const lines = whole === undefined ? text.split('\n').filter((line) => line.trim() !== '') : [text];
  return lines.map((line, at) => {
    if (parsed(line) !== undefined) return { source: Buffer.from(line), meta: {} };
    throw new SluiceError('SLUICE_USAGE', `line ${at + 1} is no JSON object`, {
      hint: 'Give one document, a document a line, or a body of _simulate: {"docs":[{"_source":{…}}]}.',
    });
  });
};

const parsed = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
};
