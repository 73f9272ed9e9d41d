/** A file of the web, for ADD and for a context: into a file of this process, with its name and time as BuildKit gives them. */
import { createHash } from 'node:crypto';
import { closeSync, futimesSync, openSync } from 'node:fs';
import { join, posix } from 'node:path';
import { send, type TransportResponse } from '../../../images/registry/transport.ts';
import { writeAll } from '../../engine/files/tree-sink.ts';
import { BuildError } from '../errors.ts';
import { withoutUserinfo } from './remote-words.ts';

export interface Fetched {
  /** In the directory. */
  readonly name: string;
}

export interface FetchOptions {
  readonly checksum?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** As in BuildKit nothing limits the size or the time of a body that goes on coming; but it shows, and can be stopped. */
  readonly onProgress?: (bytes: number) => void;
}

const TIMEOUTS = { headers: 30_000, idle: 60_000 };
const MAX_REDIRECTS = 10;
/** Bytes. */
const SHOWN_EVERY = 16 << 20;

/** Mode 0600, with the time of Last-Modified. @throws BuildError for another status than 200 or another checksum. */
export async function fetchUrl(
  text: string,
  directory: string,
  { checksum, signal, onProgress = () => undefined }: FetchOptions = {},
): Promise<Fetched> {
  const { response, url } = await get(text, signal);
  if (response.status !== 200) {
    response.discard();
    throw failed(`${text}: invalid response status ${String(response.status)}`);
  }
  const name = nameOf(url, response.header('content-disposition'));
  const fd = openSync(join(directory, name), 'wx', 0o600);
  const hash = createHash('sha256');
  try {
    let bytes = 0;
    let shown = 0;
    for await (const chunk of response.chunks) {
      hash.update(chunk);
      writeAll(fd, chunk);
      bytes += chunk.length;
      if (bytes - shown < SHOWN_EVERY) continue;
      shown = bytes;
      onProgress(bytes);
    }
    const modified = Date.parse(response.header('last-modified') ?? '');
    const time = Number.isNaN(modified) ? 0 : modified / 1000;
    futimesSync(fd, time, time);
  } finally {
    closeSync(fd);
  }
  const digest = `sha256:${hash.digest('hex')}`;
  if (checksum !== undefined && checksum !== digest)
    throw failed(`digest mismatch ${digest}: ${checksum} of ${text}`);
  return { name };
}

async function get(
  text: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly response: TransportResponse; readonly url: URL }> {
  let url = urlOf(text);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = authorization(url);
    const request = { method: 'GET', url: withoutUser(url), headers, timeouts: TIMEOUTS, signal } as const;
    const response = await send(request);
    const location = response.header('location');
    if (response.status < 300 || response.status >= 400 || location === undefined) return { response, url };
    response.discard();
    url = urlOf(new URL(location, url).href);
  }
  throw failed(`${text}: more than ${String(MAX_REDIRECTS)} redirects`);
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw failed(`"${text}" is no address of http or https`);
  return url;
}

/** A redirect to another address takes none along: each address has its own. */
const authorization = ({ username, password }: URL): Readonly<Record<string, string>> =>
  username === ''
    ? {}
    : {
        authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
      };

function withoutUser(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  return plain;
}

/** One name below the directory, whatever the server says. */
function nameOf(url: URL, disposition: string | undefined): string {
  const [, quoted, plain] = /;\s*filename=(?:"([^"]*)"|([^;\s]+))/i.exec(disposition ?? '') ?? [];
  const last = posix.basename(url.pathname);
  const decoded = /%(?![0-9a-f]{2})/i.test(last) ? last : safeDecode(last);
  const name = posix.basename(quoted ?? plain ?? decoded);
  return name === '' || name === '.' || name === '..' || name.includes('\0') || name.length > 200
    ? 'download'
    : name;
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Bytes that are no UTF-8 stay as they are written.
  }
}

const failed = (message: string): BuildError =>
  new BuildError({ code: 'FETCH_FAILED', message: withoutUserinfo(message) });
