import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { mskIamToken } from './msk-iam.ts';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const urlOf = async (credentials: object, region = 'eu-central-1') => {
  const { value } = await mskIamToken({ region }, credentials as typeof CREDENTIALS)();
  assert.match(value, /^[A-Za-z0-9_-]+$/, 'base64url without padding');
  return new URL(Buffer.from(value, 'base64url').toString());
};

/** Signature version 4 of a URL, from its specification. */
const signatureOf = (url: URL, region: string): string => {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
    .map((pair) => pair.map((part) => encodeURIComponent(part)).join('='))
    .sort()
    .join('&');
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  const request = ['GET', '/', query, `host:${url.host}`, '', 'host', sha('')].join('\n');
  const time = url.searchParams.get('X-Amz-Date')!;
  const scope = `${time.slice(0, 8)}/${region}/kafka-cluster/aws4_request`;
  const key = scope
    .split('/')
    .reduce<Buffer | string>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${CREDENTIALS.secretAccessKey}`,
    );
  return createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha(request)}`)
    .digest('hex');
};

test('a token is the presigned URL of kafka-cluster:Connect', async () => {
  const url = await urlOf(CREDENTIALS);
  assert.equal(url.origin, 'https://kafka.eu-central-1.amazonaws.com');
  const { searchParams } = url;
  assert.equal(searchParams.get('Action'), 'kafka-cluster:Connect');
  assert.equal(searchParams.get('X-Amz-Algorithm'), 'AWS4-HMAC-SHA256');
  assert.equal(searchParams.get('X-Amz-Expires'), '900');
  assert.equal(searchParams.get('X-Amz-SignedHeaders'), 'host');
  const day = searchParams.get('X-Amz-Date')!.slice(0, 8);
  assert.equal(searchParams.get('X-Amz-Credential'), `AKIDEXAMPLE/${day}/eu-central-1/kafka-cluster/aws4_request`);
  assert.equal(searchParams.get('X-Amz-Signature'), signatureOf(url, 'eu-central-1'));
});

test('temporary credentials bring their session token, which is signed too', async () => {
  const url = await urlOf({ ...CREDENTIALS, sessionToken: 'a/b+c==' }, 'us-west-2');
  assert.equal(url.searchParams.get('X-Amz-Security-Token'), 'a/b+c==');
  assert.equal(url.searchParams.get('X-Amz-Signature'), signatureOf(url, 'us-west-2'));
});

test('every login signs with the credentials that are there then', async () => {
  let accessKeyId = 'KEY1';
  // The signer keeps what does not expire.
  const provider = async () => ({ ...CREDENTIALS, accessKeyId, expiration: new Date(Date.now() + 1000) });
  const token = mskIamToken({ region: 'eu-west-1' }, provider);
  const keyOf = async () =>
    new URL(Buffer.from((await token()).value, 'base64url').toString()).searchParams.get('X-Amz-Credential')!;
  assert.match(await keyOf(), /^KEY1\//);
  accessKeyId = 'KEY2';
  assert.match(await keyOf(), /^KEY2\//);
});

test('credentials that cannot be had are told as such', async () => {
  const token = mskIamToken({ region: 'eu-west-1' }, async () => {
    throw new Error('nobody is here');
  });
  await assert.rejects(token(), { code: 'SLUICE_SOURCE_AUTH', message: /nobody is here/ });
});
