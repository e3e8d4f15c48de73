import type { IngestDocument } from '../../core/document.ts';
import { limitEachMatch } from '../../painless/regex/match-limit.ts';
import { type ExecutionResult, PipelineExecution } from '../../pipeline/execution.ts';
import type { RunnablePipeline } from './ingest-pipelines.ts';

/** A slice of the main thread: other requests have their turn in between. */
const SLICE_MS = 10;
/** A regular expression that takes longer on one document has failed. */
const MATCH_MS = 400;

export interface DocumentRun {
  readonly document: IngestDocument;
  readonly pipeline: RunnablePipeline;
}

/**
 * Runs documents through their pipelines; answers in their order. They wait for models side by side.
 * @throws the signal's reason
 */
export const runDocuments = (runs: readonly DocumentRun[], signal: AbortSignal): Promise<ExecutionResult[]> =>
  new Promise((resolve, reject) => {
    const results = new Array<ExecutionResult>(runs.length);
    const ready: (() => void)[] = [];
    let next = 0;
    let left = runs.length;
    let scheduled = false;
    if (left === 0) return resolve([]);
    const guarded = (usesRegex: boolean, work: () => void) => (usesRegex ? limitEachMatch(work, MATCH_MS) : work());
    const schedule = (): void => {
      if (scheduled) return;
      scheduled = true;
      setImmediate(slice);
    };
    const begin = (index: number): void => {
      const { document, pipeline } = runs[index]!;
      let starting = true;
      const execution = new PipelineExecution(document, pipeline.compiled, {
        finished: (result) => {
          results[index] = result;
          left -= 1;
          if (left === 0) resolve(results);
        },
        resume: (go) => {
          ready.push(() => guarded(pipeline.usesRegex, go));
          if (!starting) schedule();
        },
        pausing: () => performance.now() >= end,
      });
      guarded(pipeline.usesRegex, () => execution.run());
      starting = false;
    };
    let end = 0;
    const slice = (): void => {
      scheduled = false;
      if (signal.aborted) return reject(signal.reason);
      end = performance.now() + SLICE_MS;
      try {
        while (performance.now() < end) {
          const go = ready.shift();
          if (go !== undefined) go();
          else if (next < runs.length) begin(next++);
          else break;
        }
      } catch (error) {
        return reject(error);
      }
      if (ready.length > 0 || next < runs.length) schedule();
    };
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    slice();
  });
