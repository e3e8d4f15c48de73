import { mskIamToken } from './msk-iam.ts';
import { oauthToken } from './oauth.ts';
import type { KafkaConnectionOptions } from './options.ts';

type Bearer = Extract<NonNullable<KafkaConnectionOptions['sasl']>, { oauthbearer: object } | { aws_msk_iam: object }>;

/** Both clients call it for each login, and again before the session ends that the broker allows. */
export const bearerToken = (sasl: Bearer): (() => Promise<{ value: string }>) =>
  'aws_msk_iam' in sasl ? mskIamToken(sasl.aws_msk_iam) : oauthToken(sasl.oauthbearer);
