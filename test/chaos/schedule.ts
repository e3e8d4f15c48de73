/** Faults of three minutes, at least; longer runs have more in proportion. */
export const PLANNED = {
  sigkill: 7,
  sigstop: 2,
  member_joins: 2,
  broker_restart: 1,
  cluster_restart: 2,
  rollover: 2,
  kafka_reset: 4,
  kafka_latency: 2,
  kafka_bandwidth: 2,
  kafka_mute: 2,
  partial_429: 30,
  whole_429: 8,
  whole_503: 6,
  lost_answer: 8,
  reset: 6,
  mute: 3,
  slow: 8,
} as const;

export type Fault = keyof typeof PLANNED;

export interface Planned {
  /** Milliseconds after the start. */
  readonly at: number;
  readonly fault: Fault;
}

/** When which fault comes: the same seed, the same plan. */
export const schedule = (minutes: number, random: () => number): Planned[] => {
  const plan: Planned[] = [];
  const length = minutes * 60_000;
  for (const [fault, count] of Object.entries(PLANNED) as [Fault, number][]) {
    const times = Math.max(1, Math.ceil((count * minutes) / 3));
    // One in each part of the time: neither all at once, nor at a beat that the engine could fall in with.
    for (let n = 0; n < times; n += 1) plan.push({ fault, at: length * (0.05 + (0.87 * (n + random())) / times) });
  }
  return plan.sort((a, b) => a.at - b.at);
};
