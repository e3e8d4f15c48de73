import { parseArgs } from 'node:util';
import { SABOTAGE } from '../sabotage/table.ts';
import { Chaos } from './chaos.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '200' },
    sabotage: { type: 'string' },
    client: { type: 'string', default: 'kafkajs' },
    keep: { type: 'boolean' },
  },
});

if (values.sabotage !== undefined && SABOTAGE[values.sabotage] === undefined) {
  console.error(`--sabotage is one of ${Object.keys(SABOTAGE).join(', ')}`);
  process.exit(2);
}
const chaos = new Chaos({
  minutes: Number(values.minutes),
  seed: Number(values.seed),
  rate: Number(values.rate),
  sabotage: values.sabotage,
  client: values.client,
  keep: values.keep === true,
});
process.on('exit', () => chaos.killAll());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exit((await chaos.run()) ? 0 : 1);
