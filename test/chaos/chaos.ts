import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createElasticsearch } from '../servers/elasticsearch.ts';
import { findJdks } from '../servers/jdk.ts';
import { createKafka } from '../servers/kafka.ts';
import { freePort, type TestKafka, type TestServer } from '../servers/server.ts';
import { ELASTICSEARCH } from '../servers/versions.ts';
import { randomOf } from '../simulation/world.ts';
import { FaultyClusterProxy } from './cluster-proxy.ts';
import { KafkaProxy } from './kafka-proxy.ts';
import { Producer } from './producer.ts';
import { type Fault, PLANNED, schedule } from './schedule.ts';
import { call, INDEX, lag, pipelineFiles, prepareServers, SESSION_MS } from './setting.ts';
import { Workers } from './workers.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Documents a second. */
  readonly rate: number;
  readonly sabotage: string | undefined;
  readonly client: string;
  /** Leaves the logs where they are. */
  readonly keep: boolean;
}

const WORKERS = 2;
const DRAIN_MS = 240_000;

/** Real servers behind faulty doors, workers that are killed, and a count at the end. */
export class Chaos {
  readonly #options: ChaosOptions;
  readonly #random: () => number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'));
  readonly #happened = new Map<string, number>();
  #kafka!: TestKafka;
  #cluster!: TestServer;
  #kafkaProxy!: KafkaProxy;
  #clusterProxy!: FaultyClusterProxy;
  #workers!: Workers;
  #producer!: Producer;
  /** One restart of a server, one freeze at a time. */
  #heavy: Promise<void> = Promise.resolve();

  constructor(options: ChaosOptions) {
    this.#options = options;
    this.#random = randomOf(options.seed);
  }

  /** Answers whether all went well. */
  async run(): Promise<boolean> {
    const { minutes, seed, rate, sabotage, client } = this.#options;
    const started = performance.now();
    try {
      await this.#setUp();
      const producing = this.#producer.run(rate);
      for (let n = 0; n < WORKERS; n += 1) await this.#workers.start();
      const under = Promise.all(
        schedule(minutes, this.#random).map(async ({ at, fault }) => {
          await sleep(at);
          await this.#cause(fault);
        }),
      );
      await sleep(minutes * 60_000);
      await under;
      this.#calm();
      this.#producer.stop();
      await producing;
      const left = await this.#drain();
      await this.#workers.close();
      const seconds = (performance.now() - started) / 1000;
      console.log(
        `\nseed ${seed}, ${minutes} minutes, ${this.#producer.sent} documents, ${this.#workers.started} workers started, ${seconds.toFixed(0)} s, client ${client}${sabotage === undefined ? '' : `, sabotage ${sabotage}`}`,
      );
      return this.#report(left, await this.#verify());
    } finally {
      this.killAll();
      await Promise.allSettled([this.#kafka?.remove(), this.#cluster?.remove()]);
      if (this.#options.keep) console.log(`logs are in ${this.#folder}`);
      else rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  killAll(): void {
    this.#workers?.killAll();
    this.#kafkaProxy?.close();
    this.#clusterProxy?.close();
    this.#kafka?.kill();
    this.#cluster?.kill();
  }

  async #setUp(): Promise<void> {
    const [jdk] = findJdks().filter(({ version }) => version >= 21);
    if (jdk === undefined) throw new Error('chaos needs a JDK 21 or newer and Maven, for servers that it may restart');
    const door = { port: await freePort(), advertised: await freePort() };
    [this.#kafka, this.#cluster] = await Promise.all([
      createKafka(jdk, door),
      createElasticsearch(ELASTICSEARCH[0], jdk),
    ]);
    await Promise.all([this.#kafka.start(), this.#cluster.start()]);
    await prepareServers(this.#kafka.address, this.#cluster.address);
    this.#kafkaProxy = await KafkaProxy.before(door.port, door.advertised);
    this.#clusterProxy = await FaultyClusterProxy.before(this.#cluster.address, this.#random);
    this.#producer = new Producer(this.#kafka.address, this.#random, join(this.#folder, 'sent.ndjson'));
    this.#workers = new Workers({
      files: pipelineFiles(join(this.#folder, 'pipelines'), {
        client: this.#options.client,
        brokers: `127.0.0.1:${door.advertised}`,
        cluster: this.#clusterProxy.url,
      }),
      cwd: this.#folder,
      log: join(this.#folder, 'workers.log'),
      env: { ...process.env, XDG_STATE_HOME: join(this.#folder, 'state') },
      sabotage: this.#options.sabotage,
    });
  }

  async #cause(fault: Fault): Promise<void> {
    const { running } = this.#workers;
    const worker = running[Math.floor(this.#random() * running.length)];
    switch (fault) {
      case 'sigkill':
        if (worker === undefined) return;
        this.#note(fault);
        return this.#workers.kill(worker);
      case 'sigstop':
        return this.#alone(async () => {
          const one = this.#workers.running[0];
          if (one === undefined) return;
          await this.#workers.freeze(one, SESSION_MS * (1.5 + this.#random()));
          this.#note(fault);
        });
      case 'member_joins':
        return this.#alone(async () => {
          const guest = await this.#workers.start();
          await sleep(10_000);
          await this.#workers.leave(guest);
          this.#note(fault);
        });
      case 'broker_restart':
        return this.#alone(async () => {
          await this.#producer.hold();
          await this.#kafka.stop();
          await sleep(2000);
          await this.#kafka.start();
          this.#producer.goOn();
          this.#note(fault);
        });
      case 'cluster_restart':
        return this.#alone(async () => {
          await this.#cluster.stop();
          await sleep(3000);
          await this.#cluster.start();
          this.#note(fault);
        });
      case 'rollover':
        return this.#alone(async () => {
          await call(this.#cluster.address, 'POST', `/${INDEX.events}/_rollover`);
          this.#note(fault);
        });
      case 'kafka_reset':
        this.#kafkaProxy.reset();
        return this.#note(fault);
      case 'kafka_latency':
        return this.#forAWhile(fault, 5000, (on) => {
          this.#kafkaProxy.latency = on ? 150 : 0;
        });
      case 'kafka_bandwidth':
        return this.#forAWhile(fault, 5000, (on) => {
          this.#kafkaProxy.bandwidth = on ? 100_000 : 0;
        });
      case 'kafka_mute':
        return this.#forAWhile(fault, 4000, (on) => {
          this.#kafkaProxy.mute = on;
        });
      default:
        this.#clusterProxy.inject(fault);
    }
  }

  #note(fault: string): void {
    this.#happened.set(fault, (this.#happened.get(fault) ?? 0) + 1);
  }

  /** After the ones before it, so that a restart is not one of a server that is restarting. */
  #alone(work: () => Promise<void>): Promise<void> {
    this.#heavy = this.#heavy.then(work);
    return this.#heavy;
  }

  async #forAWhile(fault: Fault, ms: number, set: (on: boolean) => void): Promise<void> {
    set(true);
    await sleep(ms);
    set(false);
    this.#note(fault);
  }

  #calm(): void {
    this.#clusterProxy.calm();
  }

  /** Waits until the groups have committed everything; answers with what is left. */
  async #drain(): Promise<number> {
    const end = performance.now() + DRAIN_MS;
    for (;;) {
      const left = await lag(this.#kafka.address).catch(() => Number.NaN);
      if (left === 0 || performance.now() > end) return left;
      await sleep(1000);
    }
  }

  #verify(): Promise<boolean> {
    const script = fileURLToPath(new URL('./verify.ts', import.meta.url));
    const args = ['--disable-warning=TimeoutNegativeWarning', script, '--log', join(this.#folder, 'sent.ndjson')];
    args.push('--brokers', this.#kafka.address, '--cluster', this.#cluster.address);
    return new Promise((resolve) => {
      execFile(process.execPath, args, { timeout: 900_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        process.stdout.write(stderr);
        process.stdout.write(stdout);
        resolve(error === null);
      });
    });
  }

  #report(left: number, verified: boolean): boolean {
    const { minutes } = this.#options;
    let good = verified;
    for (const [fault, count] of Object.entries(PLANNED)) {
      const happened = this.#happened.get(fault) ?? this.#clusterProxy.happened[fault] ?? 0;
      const least = Math.floor(((count - 1) * minutes) / 3);
      const enough = happened >= least;
      console.log(`${fault.padEnd(18)}${String(happened).padStart(6)} (${least} at least)${enough ? '' : '  TOO FEW'}`);
      good &&= enough;
    }
    for (const text of this.#workers.unasked) console.log(text);
    good &&= this.#workers.unasked.length === 0;
    if (left !== 0) console.log(`${left} records were not committed within ${DRAIN_MS / 1000} s`);
    good &&= left === 0;
    console.log(good ? 'nothing lost, nothing doubled' : 'RED');
    return good;
  }
}
