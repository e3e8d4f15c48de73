import { Breakers } from '../../src/runtime/breaker.ts';
import { Stream } from '../../src/runtime/stream.ts';
import { SimulatedCluster } from './cluster.ts';
import { endOf, randomRecord } from './record.ts';
import { codecOf, deadLetterSink, pipelineOf } from './steps.ts';
import { type Member, SimulatedTopic } from './topic.ts';
import { randomOf, SimulatedClock, Trace, TrustingClock } from './world.ts';

export interface SimulationResult {
  readonly digest: string;
  readonly documents: number;
  readonly faults: number;
  /** Simulated milliseconds from its beginning to its end. */
  readonly passed: number;
  readonly problems: readonly string[];
}

const LIMITS = { max_documents: 20, max_bytes: 4000, max_age_ms: 15, max_in_flight: 3, target_latency_ms: 38 };
const BUDGET = 8000;
/** Bytes of the largest fetch of one partition. */
const FETCH = 30 * 400;
/** More events than any history needs that comes to an end. */
const EVENTS = 200_000;
/** What may end a stream here: nothing was committed past it, so that another one goes on. */
const MENDED_BY_A_RESTART = ['the source is broken', 'the coordinator is gone', 'too_large'];
const TOMBSTONES = ['delete', 'ignore', 'dead_letter'] as const;

/** What the wall clock does, and whether the engine's other clock is one of its own. */
export type WallClock = 'jumps' | 'steady' | 'trusted';
/** Summer time, a virtual machine that was asleep, NTP. */
const JUMPS = [-3_600_000, 86_400_000, -86_400_000, 30_000, -200, 7];

/** One history: a topic, a process that is killed, stopped and restarted now and then, a cluster that misbehaves. */
export const simulate = async (seed: number, wall: WallClock = 'jumps'): Promise<SimulationResult> => {
  const history = new History(seed, wall);
  try {
    await history.run();
  } catch (error) {
    // A stream that stands still, or a fault of the engine, is what the search is for.
    history.problems.push((error as Error).message);
  }
  return history.result;
};

class History {
  readonly problems: string[] = [];
  readonly #random: () => number;
  readonly #clock: SimulatedClock;
  readonly #trace = new Trace();
  readonly #cluster: SimulatedCluster;
  readonly #topic: SimulatedTopic;
  readonly #deadLetters = new Set<string>();
  readonly #dropped = new Set<string>();
  /** Some histories are rough, most are calmer: those reach states that constant trouble never lets happen. */
  readonly #calm: number;
  readonly #finite: boolean;
  readonly #tombstones: (typeof TOMBSTONES)[number];
  readonly #refusals: number;
  #documents = 0;
  #crashes = 0;
  #generation = 0;
  #down = false;
  #stream!: Stream;
  #member!: Member;

  constructor(seed: number, wall: WallClock) {
    const random = randomOf(seed);
    this.#random = random;
    this.#clock = wall === 'trusted' ? new TrustingClock() : new SimulatedClock();
    if (wall !== 'steady') this.#jump(randomOf(~seed));
    this.#cluster = new SimulatedCluster(this.#clock, random, this.#trace);
    this.#topic = new SimulatedTopic(this.#clock, random, this.#trace);
    this.#calm = 1 + 12 * random();
    this.#finite = random() < 0.2;
    this.#tombstones = TOMBSTONES[Math.floor(random() * 3)]!;
    this.#refusals = random() < 0.5 ? 0 : 0.2;
    for (let p = 0, partitions = 1 + Math.floor(random() * 4); p < partitions; p += 1) {
      const records = Array.from({ length: Math.ceil(500 / partitions) }, (_, n) => randomRecord(random, p, n));
      this.#topic.partitions.set(`t-${p}`, records);
      this.#documents += records.length;
    }
  }

  get result(): SimulationResult {
    const counts = [...Object.values(this.#cluster.faults), ...Object.values(this.#topic.faults)];
    return {
      digest: this.#trace.digest(),
      documents: this.#documents,
      passed: this.#clock.passed,
      faults: this.#crashes + counts.reduce((sum, count) => sum + count, 0),
      problems: this.problems,
    };
  }

  async run(): Promise<void> {
    await this.#boot();
    this.#clock.after(20, () => this.#trouble());
    await this.#clock.run(() => this.#topic.drained || this.problems.length > 0, EVENTS);
    if (this.problems.length > 0) return;
    await this.#stop();
    this.#verify();
  }

  async #boot(): Promise<void> {
    this.#down = false;
    const mine = ++this.#generation;
    const alive = () => mine === this.#generation;
    const [clock, random] = [this.#clock, this.#random];
    this.#member = this.#topic.member(
      alive,
      this.#finite,
      (name, position) => this.#checkCommit(name, position),
      (text) => this.problems.push(text),
    );
    const stream = new Stream({
      name: 'simulated',
      source: this.#member,
      codec: codecOf(clock),
      pipeline: pipelineOf(clock, this.#dropped),
      sink: this.#sink(alive),
      deadLetter: deadLetterSink({ clock, random, kept: this.#deadLetters, alive, refusals: this.#refusals }),
      clock,
      random,
      limits: {
        in_flight_bytes: BUDGET,
        commit_interval_ms: 30,
        dead_letter_ratio: 1,
        shutdown_timeout_ms: random() < 0.5 ? 10_000 : 20,
      },
      tombstones: this.#tombstones,
      breakers: new Breakers({ clock, random, backoff: { initial_ms: 50, max_ms: 500 } }),
      ordered: true,
      finite: this.#finite,
      log: { info() {}, warn() {}, error() {} },
    });
    this.#stream = stream;
    stream.done().catch((error: Error) => {
      if (!alive()) return;
      if (MENDED_BY_A_RESTART.some((text) => error.message.includes(text))) this.#restart();
      else this.problems.push(`the stream failed: ${error.message}`);
    });
    await stream.start();
  }

  /** The cluster, watched for writes of a member that cannot be sure that it still is one. */
  #sink(alive: () => boolean) {
    const member = this.#member;
    const client = this.#cluster.client(LIMITS, alive);
    const write: typeof client.write = (items, signal) => {
      if (!member.holds()) this.problems.push('a member wrote that may have lost its partitions');
      return client.write(items, signal);
    };
    return { ...client, write };
  }

  /** No member takes over before the session of a dead one has ended; by then its last requests have arrived. */
  #restart(): void {
    this.#down = true;
    this.#generation += 1;
    this.#clock.after(60, () => void this.#boot());
  }

  #trouble(): void {
    if (this.#topic.drained) return;
    const again = (ms: number) => void this.#clock.after(ms, () => this.#trouble());
    if (this.#down) return again(20);
    const { settledTotal, documents_read } = this.#stream.counters;
    const { documents, bytes } = this.#stream.inFlight;
    if (documents === 0 && bytes > 0) this.problems.push(`${bytes} bytes are held by no document`);
    if (settledTotal > documents_read) this.problems.push(`${settledTotal} settled of ${documents_read} read`);
    if (bytes > BUDGET + 2 * FETCH * this.#topic.partitions.size) this.problems.push(`${bytes} bytes in flight`);
    this.#look();
    // A changed pipeline file: documents in the old one leave it first.
    if (this.#random() < 0.1) void this.#stream.replacePipeline(pipelineOf(this.#clock, this.#dropped));
    const dice = this.#random();
    if (dice < 0.3) this.#member.rebalance();
    else if (dice < 0.5) this.#cluster.block(50 + this.#random() * 400);
    else if (dice < 0.6) this.#cluster.silence(200 + this.#random() * 2000);
    else if (dice < 0.7) this.#kill();
    else if (dice < 0.73) this.#member.break();
    else if (dice < 0.76) this.#member.freeze(50 + this.#random() * 300);
    else if (dice < 0.8) return this.#stopAndBoot(again);
    again(this.#calm * (20 + this.#random() * 60));
  }

  /** With chance of its own, so that a history is the same with and without. */
  #jump(random: () => number): void {
    this.#clock.after(random() * 100, () => {
      this.#clock.jump(JUMPS[Math.floor(random() * JUMPS.length)]!);
      if (!this.#topic.drained) this.#jump(random);
    });
  }

  /** What the metrics show has to be possible. */
  #look(): void {
    const { delivery, watermarkAges, lags, intake, inFlight, trouble, endedEarly } = this.#stream;
    const { bulk_concurrency, bulk_documents, bulk_bytes } = delivery;
    const possible =
      bulk_concurrency >= 1 &&
      bulk_concurrency <= LIMITS.max_in_flight &&
      bulk_documents >= 1 &&
      bulk_documents <= LIMITS.max_documents &&
      bulk_bytes <= LIMITS.max_bytes &&
      Object.values(watermarkAges).every((age) => age >= 0) &&
      Object.keys(lags).length === 0 &&
      intake.queued + intake.active <= inFlight.documents &&
      (trouble === undefined || trouble.type !== '') &&
      (this.#finite || !endedEarly);
    if (!possible) this.problems.push('the metrics show what cannot be');
  }

  #kill(): void {
    this.#crashes += 1;
    this.#trace.note('kill');
    this.#restart();
  }

  #stopAndBoot(again: (ms: number) => void): void {
    this.#trace.note('stop');
    this.#down = true;
    const stopped = this.#generation;
    const then = () => {
      // Anything else may have ended it, and begun the next one, meanwhile.
      if (stopped === this.#generation) this.#restart();
    };
    this.#stream.stop().then(then, then);
    again(20);
  }

  async #stop(): Promise<void> {
    let ended = false;
    void this.#stream.stop().then(() => {
      ended = true;
    });
    await this.#clock.run(() => ended, EVENTS);
    const { documents } = this.#stream.inFlight;
    if (this.#topic.drained && documents !== 0 && !this.#down) this.problems.push(`${documents} documents never ended`);
  }

  /** Everything below a committed position must have ended. */
  #checkCommit(name: string, position: bigint): void {
    const records = this.#topic.partitions.get(name)!;
    for (let at = Number(this.#topic.committed.get(name) ?? 0n); at < Number(position); at += 1) {
      const place = `${name}@${at}`;
      const { kind } = records[at]!;
      const wanted = endOf(kind, this.#tombstones);
      if (wanted === 'written' && !this.#cluster.written.has(place)) this.#tooEarly(place, kind);
      if (wanted === 'dead' && !this.#deadLetters.has(place)) this.#tooEarly(place, kind);
      if (wanted === 'dropped' && kind === 'drop' && !this.#dropped.has(place)) this.#tooEarly(place, kind);
    }
  }

  #tooEarly(place: string, kind: string): void {
    this.problems.push(`${place} (${kind}) was committed before it ended`);
  }

  /** The index must hold the last version of every id that reached it, and nothing else. */
  #verify(): void {
    const wanted = new Map<string, number>();
    for (const records of this.#topic.partitions.values())
      for (const { id, version, kind } of records) {
        if (endOf(kind, this.#tombstones) !== 'written') continue;
        if (kind === 'tombstone') wanted.delete(id);
        else wanted.set(id, version);
      }
    const { index } = this.#cluster;
    for (const [id, version] of wanted)
      if (index.get(id) !== version) this.problems.push(`${id} is at version ${index.get(id)}, not ${version}`);
    if (index.size !== wanted.size) this.problems.push(`${index.size} ids in the index, not ${wanted.size}`);
  }
}
