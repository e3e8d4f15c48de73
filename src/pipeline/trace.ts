import type { IngestDocument } from '../core/document.ts';
import type { CompiledPipeline } from './definition.ts';
import type { Step } from './step.ts';

/** What a processor did with a document. */
export interface StepTrace {
  readonly step: Step;
  readonly outcome: 'done' | 'dropped' | 'skipped' | 'called' | 'failed';
  readonly error?: unknown;
}

export type Trace = (trace: StepTrace, document: IngestDocument) => void;

/** A pipeline that does the same, and tells of every processor that has had its turn, those of called pipelines too. */
export const tracedPipeline = (pipeline: CompiledPipeline, trace: Trace): CompiledPipeline => ({
  name: pipeline.name,
  steps: tracedSteps(pipeline.steps, trace),
  onFailure: tracedSteps(pipeline.onFailure, trace),
});

const tracedSteps = (steps: readonly Step[], trace: Trace): Step[] => steps.flatMap((step) => tracedStep(step, trace));

const tracedStep = (step: Step, trace: Trace): Step[] => {
  const tell = (document: IngestDocument, outcome: StepTrace['outcome'], error?: unknown) =>
    trace({ step, outcome, ...(error !== undefined && { error }) }, document);
  const failing = <T>(document: IngestDocument, run: () => T): T => {
    try {
      return run();
    } catch (error) {
      tell(document, 'failed', error);
      throw error;
    }
  };
  const { condition, execution } = step;
  const traced: Step = {
    ...step,
    onFailure: tracedSteps(step.onFailure, trace),
    condition:
      condition &&
      ((document) => {
        const holds = failing(document, () => condition(document));
        if (!holds) tell(document, 'skipped');
        return holds;
      }),
  };
  switch (execution.mode) {
    case 'sync':
      return [
        {
          ...traced,
          execution: {
            mode: 'sync',
            execute: (document) => {
              const verdict = failing(document, () => execution.execute(document));
              tell(document, verdict === 'drop' ? 'dropped' : 'done');
              return verdict;
            },
          },
        },
      ];
    case 'async':
      return [
        {
          ...traced,
          execution: {
            mode: 'async',
            start: (document, done) =>
              failing(document, () =>
                execution.start(document, (error) => {
                  tell(document, error === undefined ? 'done' : 'failed', error);
                  done(error);
                }),
              ),
          },
        },
      ];
    case 'call':
      return [
        {
          ...traced,
          execution: {
            mode: 'call',
            pipeline: (document) => {
              const called = failing(document, () => execution.pipeline(document));
              tell(document, 'called');
              return called && tracedPipeline(called, trace);
            },
          },
        },
      ];
    case 'foreach':
      return tracedForeach(traced, step, execution, tell);
  }
};

/** A foreach is told of as one processor: when it has come through all elements, or failed at one. */
const tracedForeach = (
  traced: Step,
  step: Step,
  execution: Extract<Step['execution'], { mode: 'foreach' }>,
  tell: (document: IngestDocument, outcome: StepTrace['outcome'], error?: unknown) => void,
): Step[] => {
  let skipped = false;
  const [inner] = tracedStep(execution.step, ({ outcome, error }, document) => {
    if (outcome === 'failed') tell(document, 'failed', error);
  });
  const { condition } = traced;
  const through: Step = {
    ...step,
    condition: undefined,
    onFailure: [],
    execution: {
      mode: 'sync',
      execute: (document) => {
        if (!skipped) tell(document, 'done');
        return 'keep';
      },
    },
  };
  return [
    {
      ...traced,
      condition: (document) => {
        skipped = condition !== undefined && !condition(document);
        return !skipped;
      },
      execution: { ...execution, step: inner! },
    },
    through,
  ];
};
