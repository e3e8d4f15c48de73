import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../../core/errors.ts';
import { Refusal } from '../../core/refusal.ts';

const tooLarge = (limit: number): Refusal =>
  new Refusal(
    413,
    'content_too_long_exception',
    `the request's body is larger than the ${limit} bytes that are taken; send less at a time, or raise max_content_length`,
  );

/** The whole body, decompressed. @throws Refusal 400, 413 */
export const readBody = async (request: IncomingMessage, limit: number): Promise<Buffer> => {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limit) throw tooLarge(limit);
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Refusal(415, 'illegal_argument_exception', `Content-Encoding [${encoding}] is not supported, only gzip`);
  const stream = encoding === 'gzip' ? request.pipe(createGunzip()) : request;
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLarge(limit);
      chunks.push(chunk as Buffer);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(400, 'parse_exception', `the request's body cannot be read: ${messageOf(error)}`);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
};

/** @throws Refusal 400 */
export const parseObject = (bytes: Buffer): Record<string, unknown> | undefined => {
  if (bytes.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message quotes the body.
    throw new Refusal(400, 'x_content_parse_exception', 'the body is not well-formed JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(400, 'parsing_exception', 'the body must be a JSON object');
  return value as Record<string, unknown>;
};
