/**
 * The one door to node-fetch: one HTTP exchange, with limits on how long it may take to begin and how long its
 * body may stall, and failures put into words that Docker's users know.
 *
 * In the compiled program Bun puts its own fetch in node-fetch's place. Both give the same error codes and a Node
 * stream as the body, but their own redirects, timeouts and decompression differ, so none of those is used.
 * Deliberately absent: authentication, redirects and retries, which are above this.
 */
import fetch, { type RequestInit } from 'node-fetch';
import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { ImageError } from '../errors.ts';
import { isLoopback } from './endpoints.ts';
import { describeFailure, spell } from './transport-error.ts';

/** A body that is sent in pieces; opened again for each attempt. */
export interface Upload {
  /** Bytes. */
  readonly size: number;
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Upload | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For hosts named as insecure: any certificate will do. */
  readonly anyCertificate?: boolean;
  readonly timeouts: Timeouts;
}

/** Milliseconds. */
export interface Timeouts {
  /** From the start, or the last piece that was sent, until the response's headers are there. */
  readonly headers: number;
  /** Between two pieces of the body. */
  readonly idle: number;
}

export interface TransportResponse {
  readonly status: number;
  readonly url: URL;
  header(name: string): string | undefined;
  /** To be read once, or given up by leaving the loop. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The whole body. @throws ImageError 'RESPONSE_TOO_LARGE' beyond `limit` bytes. */
  bytes(limit: number): Promise<Buffer>;
  /** Drops the body, so that the connection ends. */
  discard(): void;
}

export async function send(request: TransportRequest): Promise<TransportResponse> {
  request.signal?.throwIfAborted();
  if (isLoopback(request.url.hostname)) exemptLoopbackFromProxies();
  const deadline = new Deadline(request);
  try {
    const response = await fetch(request.url.href, fetchOptions(request, deadline));
    deadline.stop();
    const body = response.body;
    const chunks = readChunks(body, request, deadline);
    return {
      status: response.status,
      url: request.url,
      header: (name) => response.headers.get(name) ?? undefined,
      chunks,
      bytes: async (limit) => await collect(chunks, limit, request),
      discard: () => {
        deadline.abandon();
      },
    };
  } catch (error) {
    deadline.stop();
    throw failureOf(error, request, deadline);
  }
}

function fetchOptions(request: TransportRequest, deadline: Deadline): RequestInit {
  const { body } = request;
  return {
    method: request.method,
    // `identity`: a blob is hashed as stored, and neither side should compress it once more.
    headers: {
      'accept-encoding': 'identity',
      ...(typeof body === 'object' ? { 'content-length': String(body.size) } : {}),
      ...request.headers,
    },
    redirect: 'manual',
    compress: false,
    signal: deadline.signal,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : sent(body, request, deadline) }),
    ...bunOptions(request),
    ...(request.anyCertificate === true && request.url.protocol === 'https:'
      ? { agent: lenientAgent() }
      : {}),
  };
}

/** Each piece that the connection takes starts the wait for the answer anew. */
function sent(body: Upload, { timeouts }: TransportRequest, deadline: Deadline): Readable {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of body.open()) {
      deadline.start(timeouts.headers);
      yield piece;
    }
  };
  return Readable.from(pieces(), { objectMode: false });
}

/** Options of Bun's fetch that have other names in node-fetch, which ignores them. */
function bunOptions(request: TransportRequest): object {
  return {
    decompress: false,
    ...(request.anyCertificate === true ? { tls: { rejectUnauthorized: false } } : {}),
  };
}

let agent: Agent | undefined;
function lenientAgent(): Agent {
  return (agent ??= new Agent({ rejectUnauthorized: false }));
}

/** Bun's fetch uses the proxy variables for loopback too; Docker never proxies loopback. */
function exemptLoopbackFromProxies(): void {
  for (const name of ['no_proxy', 'NO_PROXY']) {
    const value = process.env[name];
    if (value === undefined && name === 'no_proxy') continue;
    if (value?.includes('127.0.0.1') === true) continue;
    process.env[name] = [value, 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(',');
  }
}

/** One AbortController for what can end an exchange: the caller, a slow answer, a stalled body, nobody reading. */
class Deadline {
  private readonly controller = new AbortController();
  private readonly callerSignal: AbortSignal | undefined;
  private readonly forward = (): void => {
    this.controller.abort();
  };
  private timer: NodeJS.Timeout | undefined;
  /** Milliseconds of the limit that was passed, if one was. */
  expired: number | undefined;

  constructor(request: TransportRequest) {
    this.callerSignal = request.signal;
    this.callerSignal?.addEventListener('abort', this.forward, { once: true });
    this.start(request.timeouts.headers);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  start(ms: number): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.expired = ms;
      this.controller.abort();
    }, ms);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  finish(): void {
    this.stop();
    this.callerSignal?.removeEventListener('abort', this.forward);
  }

  abandon(): void {
    this.finish();
    this.controller.abort();
  }
}

async function* readChunks(
  body: NodeJS.ReadableStream | null,
  request: TransportRequest,
  deadline: Deadline,
): AsyncGenerator<Uint8Array> {
  let ended = false;
  try {
    if (body !== null) {
      deadline.start(request.timeouts.idle);
      for await (const chunk of body) {
        // The reader's own time does not count: it may be waiting for the disk.
        deadline.stop();
        yield chunk as unknown as Uint8Array;
        deadline.start(request.timeouts.idle);
      }
    }
    ended = true;
  } catch (error) {
    throw failureOf(error, request, deadline);
  } finally {
    if (ended) deadline.finish();
    else deadline.abandon();
  }
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  limit: number,
  request: TransportRequest,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) {
      throw new ImageError({
        code: 'RESPONSE_TOO_LARGE',
        message: `${spell(request)}: the answer is larger than ${String(limit)} bytes`,
      });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts, length);
}

/** After an abort of the caller, throw the caller's reason, not a network error. */
function failureOf(error: unknown, request: TransportRequest, deadline: Deadline): unknown {
  if (error instanceof ImageError) return error;
  if (request.signal?.aborted === true) return request.signal.reason;
  return describeFailure(error, request, deadline.expired);
}
