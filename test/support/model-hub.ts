import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What goes wrong at a hub. Everything is as it should be where nothing is set. */
export interface Trouble {
  /** Answers this to paths that match, so many times. */
  status?: { code: number; path: RegExp; times: number; headers?: Record<string, string> } | undefined;
  /** Answers a page of HTML to paths that match. */
  html?: RegExp | undefined;
  /** Ends the connection after so many bytes of a large file, so many times. */
  cut?: { after: number; times: number } | undefined;
  /** Exchanges a byte of large files. */
  damaged?: boolean;
  /** Sends whole files, whatever part is asked for. */
  rangeless?: boolean;
  /** Sends more than there is. */
  endless?: boolean;
  /** Sends here and there for ever. */
  circle?: boolean;
  /** Sends nothing. */
  silent?: RegExp | undefined;
}

export interface Asked {
  readonly host: 'hub' | 'store';
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

interface Repository {
  readonly commits: Map<string, Readonly<Record<string, Buffer>>>;
  main: string;
  token?: string | undefined;
  gated?: boolean | undefined;
  info?: object | undefined;
}

/**
 * A server that speaks the part of the Hugging Face hub's API that models are fetched by: files above 1 KB lie in a
 * second server with an origin of its own, as the hub's large file storage does.
 */
export class ModelHub {
  readonly asked: Asked[] = [];
  trouble: Trouble = {};
  /** Bytes of contents that were sent. */
  sent = 0;
  readonly #repositories = new Map<string, Repository>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #hub: Server = createServer((request, response) => this.#answer(request, response));
  readonly #store: Server = createServer((request, response) => this.#large(request, response));

  static async start(): Promise<ModelHub> {
    const hub = new ModelHub();
    for (const server of [hub.#hub, hub.#store]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return hub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** Everything is well again, and nothing was asked. */
  reset(trouble: Trouble = {}): void {
    this.trouble = trouble;
    this.asked.length = 0;
    this.sent = 0;
  }

  /** Adds a commit; answers with its name. */
  push(
    name: string,
    files: Readonly<Record<string, Buffer | string>>,
    more: Pick<Repository, 'token' | 'gated' | 'info'> = {},
  ): string {
    const contents = Object.fromEntries(Object.entries(files).map(([file, content]) => [file, Buffer.from(content)]));
    const known = this.#repositories.get(name);
    const commit = createHash('sha1')
      .update(`${name} ${known?.commits.size ?? 0}`)
      .digest('hex');
    const repository: Repository = { commits: known?.commits ?? new Map(), main: commit, ...more };
    repository.commits.set(commit, contents);
    this.#repositories.set(name, repository);
    return commit;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, this.endpoint);
    const path = decodeURIComponent(url.pathname);
    if (this.#trouble('hub', path, request, response)) return;
    const api = /^\/api\/models\/(.+)\/revision\/(.+)$/.exec(path);
    const resolve = /^\/(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [, name = '', revision = '', file] = api ?? resolve ?? [];
    const repository = this.#repositories.get(name);
    const refuse = (status: number, code: string) =>
      response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' }).end('{"error":"no"}');
    if (repository === undefined) return void refuse(request.headers.authorization ? 404 : 401, 'RepoNotFound');
    if (repository.token !== undefined && request.headers.authorization !== `Bearer ${repository.token}`)
      return void refuse(401, 'RepoNotFound');
    if (repository.gated && resolve) return void refuse(403, 'GatedRepo');
    const commit =
      revision === 'main' ? repository.main : [...repository.commits.keys()].find((one) => one.startsWith(revision));
    if (commit === undefined) return void refuse(404, 'RevisionNotFound');
    const files = repository.commits.get(commit)!;
    if (file === undefined) return this.#list(repository, commit, files, response);
    const content = files[file];
    if (content === undefined) return void refuse(404, 'EntryNotFound');
    this.#resolve(content, commit, request, response);
  }

  #list({ info }: Repository, sha: string, files: Readonly<Record<string, Buffer>>, response: ServerResponse): void {
    const siblings = Object.entries(files).map(([rfilename, content]) => ({
      rfilename,
      size: content.length,
      blobId: gitOf(content),
      ...(isLarge(content) && { lfs: { sha256: sha256Of(content), size: content.length, pointerSize: 130 } }),
    }));
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ sha, siblings, ...info }));
  }

  #resolve(content: Buffer, commit: string, request: IncomingMessage, response: ServerResponse): void {
    const common = { 'x-repo-commit': commit };
    if (this.trouble.circle) return void response.writeHead(302, { location: request.url! }).end();
    if (!isLarge(content)) {
      this.sent += content.length;
      return void response.writeHead(200, { ...common, etag: `"${gitOf(content)}"` }).end(content);
    }
    const sha256 = sha256Of(content);
    this.#blobs.set(sha256, content);
    const { port } = this.#store.address() as AddressInfo;
    response.writeHead(302, {
      ...common,
      location: `http://127.0.0.1:${port}/blobs/${sha256}?signature=secret-of-the-store`,
      'x-linked-etag': `"${sha256}"`,
      'x-linked-size': content.length,
    });
    response.end();
  }

  /** Files of the store, with ranges. */
  #large(request: IncomingMessage, response: ServerResponse): void {
    const path = new URL(request.url!, 'http://store').pathname;
    if (this.#trouble('store', path, request, response)) return;
    let content = this.#blobs.get(path.split('/').at(-1)!)!;
    if (this.trouble.damaged) content = Buffer.from(content.map((byte, at) => (at === 10 ? byte ^ 1 : byte)));
    if (this.trouble.endless) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      return void response.end(Buffer.concat([content, content]));
    }
    const from = this.trouble.rangeless ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': 'application/octet-stream',
      'content-length': part.length,
      ...(from > 0 && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    const { cut } = this.trouble;
    if (cut === undefined || cut.times === 0 || part.length <= cut.after) {
      this.sent += part.length;
      return void response.end(part);
    }
    cut.times -= 1;
    this.sent += cut.after;
    response.write(part.subarray(0, cut.after), () => setTimeout(() => response.destroy(), 50));
  }

  #trouble(host: Asked['host'], path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const { authorization, range } = request.headers;
    this.asked.push({ host, path, authorization, range });
    const { status, html, silent } = this.trouble;
    if (silent?.test(path)) return true;
    if (html?.test(path)) {
      response
        .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
        .end('<!doctype html><title>Log in</title>');
      return true;
    }
    if (status === undefined || status.times === 0 || !status.path.test(path)) return false;
    status.times -= 1;
    response.writeHead(status.code, status.headers).end();
    return true;
  }
}

const isLarge = (content: Buffer): boolean => content.length > 1024;
const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const gitOf = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** The files of a folder, to push them. */
export const filesOf = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
  );
