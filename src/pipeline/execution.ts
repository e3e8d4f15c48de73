import type { IngestDocument } from '../core/document.ts';
import { illegalArgument, ProcessorError } from '../core/errors.ts';
import { entriesOf, isObject, type JsonValue, javaType, objectOf, withKey } from '../core/json/values.ts';
import type { CompiledPipeline } from './definition.ts';
import { IngestFailure } from './failure.ts';
import type { Step } from './step.ts';
import { SAMPLED, type StepStats } from './step-stats.ts';

/** Pipelines inside pipelines; more is a cycle that templates hid. Elasticsearch's own limit. */
const MAX_PIPELINES = 100;

interface ListFrame {
  readonly kind: 'pipeline' | 'on_failure';
  readonly steps: readonly Step[];
  next: number;
  readonly pipeline: CompiledPipeline;
  /** The step of the frame below that opened this one; none for a pipeline's own on_failure. */
  readonly opener: Step | undefined;
  /** True once the pipeline's own on_failure has taken over: it is not asked twice. */
  failing: boolean;
}

interface ForeachFrame {
  readonly kind: 'foreach';
  readonly step: Step;
  readonly field: string;
  readonly keys: readonly string[] | undefined;
  readonly values: readonly JsonValue[];
  readonly done: [string, JsonValue][];
  readonly outerValue: JsonValue;
  readonly outerKey: JsonValue;
  readonly opener: Step;
}

type Frame = ListFrame | ForeachFrame;

/** Steps between two questions whether others should have their turn: most documents end before the first. */
const TURNS = 32;

const graphError = (message: string) => new ProcessorError('graph_structure_exception', message);

export type ExecutionResult =
  | { readonly outcome: 'done' | 'dropped' }
  | { readonly outcome: 'failed'; readonly failure: IngestFailure };

/** Where an execution meets its surroundings. */
export interface ExecutionHooks {
  /** Called once, at the end. */
  finished(result: ExecutionResult): void;
  /** Starts what a step has to wait for; by default at once. An interruptible slice starts it when the slice is over. */
  defer?(start: () => void): void;
  /** Goes on after a wait; by default at once. An engine puts it into its own next slice. */
  resume?(go: () => void): void;
  /** Asked now and then in a long run: true where others should have their turn. Goes on through `resume`. */
  pausing?(): boolean;
}

/**
 * One document's way through a pipeline. Runs synchronously until a step has to wait, and goes on from its callback:
 * nesting lives on `#frames`, not on the call stack, so that any step may wait however deep it stands.
 */
export class PipelineExecution {
  readonly #document: IngestDocument;
  readonly #hooks: ExecutionHooks;
  readonly #frames: Frame[] = [];
  #current: Step | undefined;

  constructor(document: IngestDocument, pipeline: CompiledPipeline, hooks: ExecutionHooks) {
    this.#document = document;
    this.#hooks = hooks;
    this.#frames.push({
      kind: 'pipeline',
      steps: pipeline.steps,
      next: 0,
      pipeline,
      opener: undefined,
      failing: false,
    });
    document.showPipeline(pipeline.name);
  }

  /** Runs until the end or the first wait. `finished` may be called before this returns. */
  run(): void {
    this.#loop(undefined);
  }

  #loop(error: unknown): void {
    const hooks = this.#hooks;
    let result = error === undefined ? undefined : this.#fail(error, this.#current!, true);
    for (let turns = 1; result === undefined; turns += 1) {
      if (turns % TURNS === 0 && hooks.resume !== undefined && hooks.pausing?.() === true)
        return hooks.resume(() => this.#loop(undefined));
      const frame = this.#frames.at(-1);
      if (frame === undefined) {
        result = { outcome: 'done' };
        break;
      }
      let step: Step | undefined;
      try {
        step = frame.kind === 'foreach' ? this.#nextElement(frame) : this.#nextStep(frame);
      } catch (fault) {
        // Writing the elements back failed: that is the foreach's own failure, and its frame is gone already.
        result = this.#fail(fault, frame.opener!, true);
        continue;
      }
      if (step === undefined) continue;
      this.#current = step;
      const verdict = this.#execute(step);
      if (verdict === 'wait') return;
      if (verdict === 'keep') continue;
      result = verdict === 'drop' ? { outcome: 'dropped' } : this.#fail(verdict.error, step, verdict.covered);
    }
    this.#hooks.finished(result);
  }

  #nextStep(frame: ListFrame): Step | undefined {
    const step = frame.steps[frame.next];
    frame.next += 1;
    if (step !== undefined) return step;
    if (frame.kind === 'on_failure') this.#hideFailure();
    this.#pop();
    return undefined;
  }

  #execute(step: Step): 'keep' | 'drop' | 'wait' | { error: unknown; covered: boolean } {
    const document = this.#document;
    try {
      if (step.condition !== undefined && !step.condition(document)) return 'keep';
    } catch (error) {
      return { error, covered: false };
    }
    const { execution, stats } = step;
    stats.executions += 1;
    try {
      if (execution.mode === 'sync') {
        if (stats.executions % SAMPLED !== 0) return execution.execute(document);
        const began = performance.now();
        const verdict = execution.execute(document);
        stats.seconds += (SAMPLED * (performance.now() - began)) / 1000;
        return verdict;
      }
      if (execution.mode === 'foreach') return this.#openForeach(step, execution);
      if (execution.mode === 'call') return this.#openPipeline(step, execution.pipeline(document));
      return this.#await(execution.start, stats);
    } catch (error) {
      return { error, covered: true };
    }
  }

  #await(start: (document: IngestDocument, done: (error?: Error) => void) => void, stats: StepStats) {
    const hooks = this.#hooks;
    let answer: { error: Error | undefined } | undefined;
    let waiting = false;
    const began = performance.now();
    const done = (error?: Error) => {
      if (answer !== undefined) return;
      stats.seconds += (performance.now() - began) / 1000;
      answer = { error };
      if (!waiting) return;
      if (hooks.resume === undefined) this.#loop(error);
      else hooks.resume(() => this.#loop(error));
    };
    if (hooks.defer === undefined) start(this.#document, done);
    else {
      waiting = true;
      hooks.defer(() => {
        try {
          start(this.#document, done);
        } catch (error) {
          done(error as Error);
        }
      });
      return 'wait';
    }
    const early = answer as { error: Error | undefined } | undefined;
    if (early !== undefined) return early.error === undefined ? 'keep' : { error: early.error, covered: true };
    waiting = true;
    return 'wait';
  }

  #openPipeline(step: Step, pipeline: CompiledPipeline | undefined): 'keep' {
    if (pipeline === undefined || pipeline.steps.length === 0) return 'keep';
    const running = this.#pipelines();
    if (running.length >= MAX_PIPELINES) {
      throw graphError(`Too many nested pipelines. Cannot have more than ${MAX_PIPELINES} nested pipelines`);
    }
    if (running.includes(pipeline)) throw graphError(`Cycle detected for pipeline: ${pipeline.name}`);
    this.#frames.push({ kind: 'pipeline', steps: pipeline.steps, next: 0, pipeline, opener: step, failing: false });
    this.#document.showPipeline(pipeline.name);
    return 'keep';
  }

  #openForeach(
    opener: Step,
    { field, ignoreMissing, step }: { field: string; ignoreMissing: boolean; step: Step },
  ): 'keep' {
    const document = this.#document;
    const value = ignoreMissing ? (document.find(field) ?? null) : document.get(field);
    if (value === null) {
      if (ignoreMissing) return 'keep';
      throw illegalArgument(`field [${field}] is null, cannot loop over its elements.`);
    }
    if (!Array.isArray(value) && !isObject(value)) {
      throw illegalArgument(`field [${field}] of type [${javaType(value)}] cannot be cast to a list or map`);
    }
    const entries = Array.isArray(value) ? undefined : entriesOf(value);
    this.#frames.push({
      kind: 'foreach',
      step,
      field,
      keys: entries?.map(([key]) => key),
      values: entries === undefined ? [...(value as JsonValue[])] : entries.map(([, item]) => item),
      done: [],
      outerValue: document.find('_ingest._value') ?? null,
      outerKey: document.find('_ingest._key') ?? null,
      opener,
    });
    return 'keep';
  }

  /** Takes in the element that was just processed and sets up the next one. */
  #nextElement(frame: ForeachFrame): Step | undefined {
    const document = this.#document;
    const started = frame.done.length;
    if (started > 0) {
      const last = frame.done[started - 1]!;
      last[0] = frame.keys === undefined ? '' : String(document.find('_ingest._key') ?? '');
      last[1] = document.find('_ingest._value') ?? null;
    }
    if (started < frame.values.length) {
      const key = frame.keys?.[started];
      const value = frame.values[started]!;
      frame.done.push([key ?? '', value]);
      this.#setIngest('_value', value);
      if (key !== undefined) this.#setIngest('_key', key);
      return frame.step;
    }
    this.#restoreElement(frame);
    this.#frames.pop();
    const { done, keys } = frame;
    // An element whose key was taken away is taken away itself.
    document.set(
      frame.field,
      keys === undefined ? done.map(([, value]) => value) : objectOf(done.filter(([key]) => key.trim() !== '')),
    );
    return undefined;
  }

  /** Finds who handles the error; answers with the end of the execution when nobody does. */
  #fail(error: unknown, failed: Step, covered: boolean): ExecutionResult | undefined {
    failed.stats.failures += 1;
    const failure = error instanceof IngestFailure ? error : this.#wrap(error, failed, covered);
    let step: Step | undefined = failed;
    // False once the step's own on_failure had its turn, or where it has no say (its `if`).
    let own = covered;
    for (;;) {
      if (own && step?.ignoreFailure) return undefined;
      if (own && step !== undefined && step.onFailure.length > 0)
        return this.#openOnFailure(step.onFailure, step, failure);
      const frame: Frame | undefined = this.#frames.at(-1);
      if (frame === undefined) return { outcome: 'failed', failure };
      if (frame.kind === 'pipeline' && !frame.failing && frame.pipeline.onFailure.length > 0) {
        frame.failing = true;
        frame.next = frame.steps.length;
        return this.#openOnFailure(frame.pipeline.onFailure, undefined, failure);
      }
      if (frame.kind === 'foreach') this.#restoreElement(frame);
      if (frame.kind === 'on_failure') this.#hideFailure();
      this.#pop();
      own = frame.kind !== 'on_failure';
      step = frame.opener;
    }
  }

  #openOnFailure(steps: readonly Step[], opener: Step | undefined, failure: IngestFailure): undefined {
    this.#frames.push({ kind: 'on_failure', steps, next: 0, pipeline: this.#pipeline(), opener, failing: false });
    this.#showFailure(failure);
  }

  #pipelines(): CompiledPipeline[] {
    return this.#frames.flatMap((frame) => (frame.kind === 'pipeline' ? [frame.pipeline] : []));
  }

  #pipeline(): CompiledPipeline {
    return this.#pipelines().at(-1)!;
  }

  /**
   * Elasticsearch puts an error down to whatever stood in the list that noticed it: the processor itself where it has
   * handlers of its own, else the `conditional` around it, else the foreach it is the processor of.
   */
  #wrap(error: unknown, failed: Step, covered: boolean): IngestFailure {
    const pipelines = this.#pipelines().map(({ name }) => name);
    let step = failed;
    let own = covered;
    for (let at = this.#frames.length - 1; ; at -= 1) {
      const frame = this.#frames[at];
      const handled = own && step.onFailure.length > 0;
      if (!handled && frame?.kind === 'foreach') {
        step = frame.opener;
        own = true;
        continue;
      }
      const type = handled || step.condition === undefined ? step.type : 'conditional';
      return new IngestFailure(error, { processorType: type, processorTag: step.tag, pipelines });
    }
  }

  #pop(): void {
    if (this.#frames.pop()?.kind !== 'pipeline') return;
    const below = this.#frames.findLast((frame): frame is ListFrame => frame.kind === 'pipeline');
    if (below !== undefined) this.#document.showPipeline(below.pipeline.name);
  }

  #setIngest(key: string, value: JsonValue | undefined): void {
    const { ingest } = this.#document;
    if (value !== undefined) this.#document.ingest = withKey(ingest, key, value);
    else if (ingest instanceof Map) ingest.delete(key);
    else delete ingest[key];
  }

  #showFailure({ rootMessage, processorType, processorTag, pipelines }: IngestFailure): void {
    this.#setIngest('on_failure_message', rootMessage);
    this.#setIngest('on_failure_processor_type', processorType);
    this.#setIngest('on_failure_processor_tag', processorTag ?? null);
    this.#setIngest('on_failure_pipeline', pipelines.at(-1)!);
  }

  #hideFailure(): void {
    for (const key of [
      'on_failure_message',
      'on_failure_processor_type',
      'on_failure_processor_tag',
      'on_failure_pipeline',
    ]) {
      this.#setIngest(key, undefined);
    }
  }

  #restoreElement({ outerValue, outerKey, keys }: ForeachFrame): void {
    this.#setIngest('_value', outerValue);
    if (keys !== undefined) this.#setIngest('_key', outerKey);
  }
}
