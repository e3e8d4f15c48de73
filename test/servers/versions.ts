/** What `npm test` runs against. */
export const KAFKA = '4.1.1';
/** The newest major first: it is the one that most suites use. */
export const ELASTICSEARCH = ['9.0.4', '8.19.0'] as const;

/** The oldest JDK that runs each of them. */
export const NEEDED_JDK: Readonly<Record<string, number>> = {
  [`kafka-${KAFKA}`]: 17,
  'elasticsearch-9.0.4': 21,
  'elasticsearch-8.19.0': 17,
};

/** Maven coordinates of what has to be on the class path; `!` leaves out what the artifact itself depends on. */
export const ARTIFACTS: Readonly<Record<string, readonly string[]>> = {
  [`kafka-${KAFKA}`]: [`org.apache.kafka:kafka_2.13:${KAFKA}`, `org.apache.kafka:kafka-tools:${KAFKA}!`],
  ...Object.fromEntries(
    ELASTICSEARCH.map((version) => [
      `elasticsearch-${version}`,
      [`org.elasticsearch:elasticsearch:${version}`, `org.elasticsearch.plugin:transport-netty4:${version}`],
    ]),
  ),
};

/** Who may enter by the broker's second door. */
export const SASL_USER = { username: 'sluice', password: 'never-print-this' } as const;
