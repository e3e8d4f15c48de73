import type { Codec, Sink, WriteItem } from '../../src/core/contracts.ts';
import { ProcessorError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json/values.ts';
import { IngestFailure } from '../../src/pipeline/failure.ts';
import { Breakers } from '../../src/runtime/breaker.ts';
import type { PipelineRunner } from '../../src/runtime/intake.ts';
import { Stream } from '../../src/runtime/stream.ts';
import { SimulatedCluster } from './cluster.ts';
import { type SimulatedRecord, SimulatedTopic } from './topic.ts';
import { randomOf, SimulatedClock, Trace } from './world.ts';

export interface SimulationResult {
  readonly digest: string;
  readonly documents: number;
  readonly faults: number;
  readonly problems: readonly string[];
}

const LIMITS = { max_documents: 20, max_bytes: 4000, max_age_ms: 15, max_in_flight: 3 };
const BUDGET = 8000;
/** Bytes of the largest fetch of one partition. */
const FETCH = 30 * 400;

/** One history: a topic, a process that is killed and restarted now and then, a cluster that misbehaves. */
export const simulate = async (seed: number): Promise<SimulationResult> => {
  const random = randomOf(seed);
  const clock = new SimulatedClock();
  const trace = new Trace();
  const cluster = new SimulatedCluster(clock, random, trace, true);
  const topic = new SimulatedTopic(clock, random, trace, true);
  const problems: string[] = [];
  const deadLetters = new Set<string>();
  const filtered = new Set<string>();
  let documents = 0;
  for (let p = 0, partitions = 1 + Math.floor(random() * 4); p < partitions; p += 1) {
    const records = Array.from({ length: Math.ceil(500 / partitions) }, (_, index) => recordFor(random, p, index));
    topic.partitions.set(`t-${p}`, records);
    documents += records.length;
  }
  /** Everything below a committed position must have ended. */
  const check = (name: string, position: bigint) => {
    for (let at = Number(topic.committed.get(name) ?? 0n); at < Number(position); at += 1) {
      const place = `${name}@${at}`;
      const { kind } = topic.partitions.get(name)![at]!;
      const ended =
        kind === 'keep' ? cluster.written.has(place) : kind === 'drop' ? filtered.has(place) : deadLetters.has(place);
      if (!ended) problems.push(`${place} (${kind}) was committed before it ended`);
    }
  };
  let crashes = 0;
  let generation = 0;
  let down = false;
  let stream: Stream | undefined;
  let member: ReturnType<SimulatedTopic['member']> | undefined;
  const boot = async () => {
    const mine = ++generation;
    const alive = () => mine === generation;
    member = topic.member(alive, check);
    stream = new Stream({
      name: 'simulated',
      source: member,
      codec,
      pipeline: pipelineOf(clock, filtered),
      sink: cluster.client(LIMITS, alive),
      deadLetter: deadLetterSink(clock, random, deadLetters, alive),
      clock,
      random,
      limits: { in_flight_bytes: BUDGET, commit_interval_ms: 30, dead_letter_ratio: 1, shutdown_timeout_ms: 10_000 },
      tombstones: 'ignore',
      breakers: new Breakers({ clock, random }),
      ordered: true,
      finite: false,
      log: { info() {}, warn() {}, error() {} },
    });
    await stream.start();
    stream.done().catch((error: Error) => problems.push(`the stream failed: ${error.message}`));
  };
  await boot();
  const trouble = () => {
    if (topic.drained) return;
    if (down) return void clock.after(20, trouble);
    const dice = random();
    if (dice < 0.3) member!.rebalance();
    else if (dice < 0.5) cluster.block(50 + random() * 400);
    else if (dice < 0.65) {
      crashes += 1;
      trace.note('kill');
      generation += 1;
      down = true;
      // No member takes over before the session of the dead one has ended; by then its last requests have arrived.
      clock.after(60, () => {
        down = false;
        void boot();
      });
    }
    if (stream!.inFlight.bytes > BUDGET + 2 * FETCH * topic.partitions.size)
      problems.push(`${stream!.inFlight.bytes} bytes in flight`);
    clock.after(20 + random() * 60, trouble);
  };
  clock.after(20, trouble);
  await clock.run(() => topic.drained || problems.length > 0, 200_000);
  if (problems.length === 0) {
    const stopped = stream!.stop();
    let ended = false;
    void stopped.then(() => {
      ended = true;
    });
    await clock.run(() => ended, 200_000);
    verify(topic, cluster, problems);
  }
  const faults =
    crashes + [...Object.values(cluster.faults), ...Object.values(topic.faults)].reduce((sum, count) => sum + count, 0);
  return { digest: trace.digest(), documents, faults, problems };
};

const recordFor = (random: () => number, partition: number, index: number): SimulatedRecord => {
  const dice = random();
  return {
    id: `k${partition}-${Math.floor(random() * 40)}`,
    version: index,
    bytes: 50 + Math.floor(random() * 350),
    kind: dice < 0.9 ? 'keep' : dice < 0.94 ? 'drop' : dice < 0.96 ? 'fail' : dice < 0.98 ? 'broken' : 'poison',
    wait: random() < 0.5 ? 0 : random() * 60,
  };
};

const codec: Codec = {
  type: 'simulated',
  decode: (value) => {
    const source = JSON.parse(Buffer.from(value).toString()) as JsonObject & { kind: string };
    if (source.kind === 'broken') throw new ProcessorError('parse_exception', 'simulated');
    return { source, raw: undefined };
  },
};

const pipelineOf = (clock: SimulatedClock, filtered: Set<string>): PipelineRunner => ({
  start: (document, { finished, defer, resume }) => {
    const { kind, wait, partition, version } = document.source as unknown as SimulatedRecord & { partition: string };
    const end = () => {
      if (kind === 'drop') filtered.add(`${partition}@${version}`);
      if (kind === 'fail') {
        const failure = new IngestFailure(new Error('simulated'), {
          processorType: 'fail',
          processorTag: undefined,
          pipelines: ['simulated'],
        });
        finished({ outcome: 'failed', failure });
      } else finished({ outcome: kind === 'drop' ? 'dropped' : 'done' });
    };
    return {
      run: () => (wait === 0 ? end() : defer!(() => void clock.after(wait, () => resume!(end)))),
    };
  },
});

const deadLetterSink = (
  clock: SimulatedClock,
  random: () => number,
  kept: Set<string>,
  alive: () => boolean,
): Sink<WriteItem & { place: string }> => ({
  type: 'simulated',
  limits: LIMITS,
  open: async () => {},
  close: async () => {},
  prepare: (document, record) => ({
    key: undefined,
    bytes: 100,
    place: `${(document.source as { origin: { topic: string } }).origin.topic}@${record.position}`,
  }),
  write: (items) =>
    new Promise((resolve) => {
      if (!alive()) return;
      clock.after(random() * 20, () => {
        for (const { place } of items) kept.add(place);
        resolve(items.map(() => ({ outcome: 'delivered' as const })));
      });
    }),
});

/** The index must hold the last version of every id that reached it, and nothing else. */
const verify = (topic: SimulatedTopic, cluster: SimulatedCluster, problems: string[]): void => {
  const wanted = new Map<string, number>();
  for (const records of topic.partitions.values())
    for (const { id, version, kind } of records) if (kind === 'keep') wanted.set(id, version);
  for (const [id, version] of wanted)
    if (cluster.index.get(id) !== version)
      problems.push(`${id} is at version ${cluster.index.get(id)}, not ${version}`);
  if (cluster.index.size !== wanted.size) problems.push(`${cluster.index.size} ids in the index, not ${wanted.size}`);
};
