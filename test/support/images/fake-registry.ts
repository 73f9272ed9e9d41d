/**
 * A registry that a test can make misbehave: a small HTTP server on loopback that serves manifests and blobs out of
 * memory and lets `intercept` answer first. It remembers every request. For a registry as they really are there is
 * test/support/images/registry.ts.
 */
import { createHash } from 'node:crypto';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { testCertificate } from './certificate.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The same, byte for byte. */
  readonly bytes: Buffer;
}

/** True when it has answered. */
export type Intercept = (request: SeenRequest, response: ServerResponse) => boolean;

export interface FakeImage {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly configDigest: string;
  readonly layers: readonly { readonly digest: string; readonly size: number }[];
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

export class FakeRegistry {
  readonly requests: SeenRequest[] = [];
  readonly blobs = new Map<string, Buffer>();
  intercept: Intercept = () => false;
  private readonly manifests = new Map<string, { readonly bytes: Buffer; readonly type: string }>();
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  static async start({ tls = false }: { readonly tls?: boolean } = {}): Promise<FakeRegistry> {
    const server = tls ? createTlsServer(testCertificate) : createServer();
    const registry = new FakeRegistry(server);
    server.on('request', (request, response) => {
      void registry.serve(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** 'GET /v2/app/manifests/latest', in the order they came. */
  get log(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  addBlob(content: Buffer | string): { readonly digest: string; readonly size: number } {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  }

  /** `names` are 'repository:tag'. Layers are any bytes: nothing here unpacks them. */
  addImage(
    names: readonly string[],
    layers: readonly (Buffer | string)[],
    platform: { readonly os: string; readonly architecture: string; readonly variant?: string } = {
      os: 'linux',
      architecture: 'amd64',
    },
  ): FakeImage {
    const blobs = layers.map((layer) => this.addBlob(layer));
    const diffIds = layers.map((layer) => digestOf(Buffer.from(`unpacked ${layer.toString()}`)));
    const config = this.addBlob(
      JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: diffIds } }),
    );
    const manifest = {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: blobs.map((blob) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...blob })),
    };
    const { digest, size } = this.addManifest(names, manifest, manifestType);
    return { digest, size, mediaType: manifestType, configDigest: config.digest, layers: blobs };
  }

  addManifest(
    names: readonly string[],
    document: object,
    type: string,
  ): { readonly digest: string; readonly size: number } {
    const bytes = Buffer.from(JSON.stringify(document));
    const digest = digestOf(bytes);
    for (const name of names) {
      const colon = name.lastIndexOf(':');
      const repository = name.slice(0, colon);
      this.manifests.set(`${repository}/manifests/${name.slice(colon + 1)}`, { bytes, type });
      this.manifests.set(`${repository}/manifests/${digest}`, { bytes, type });
    }
    return { digest, size: bytes.length };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) =>
      this.server.close(() => {
        resolve();
      }),
    );
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const { method = '', url: path = '', headers } = request;
    const seen = { method, path, headers, body: bytes.toString(), bytes };
    this.requests.push(seen);
    if (this.intercept(seen, response)) return;
    if (path === '/v2/') {
      response.end('{}');
      return;
    }
    if (method === 'POST' || method === 'PUT') {
      this.receive(seen, response);
      return;
    }
    const manifest = this.manifests.get(path.slice('/v2/'.length));
    if (manifest !== undefined) {
      const head = {
        'content-type': manifest.type,
        'content-length': manifest.bytes.length,
        'docker-content-digest': digestOf(manifest.bytes),
      };
      response.writeHead(200, head).end(method === 'HEAD' ? undefined : manifest.bytes);
      return;
    }
    const blob = this.blobs.get(/\/blobs\/(.*)$/.exec(path)?.[1] ?? '');
    if (blob === undefined) {
      refuse(response, 404, path.includes('/manifests/') ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN');
      return;
    }
    sendBlob(response, blob, headers.range);
  }

  /** Uploads as distribution takes them; every blob is in every repository, so nothing is ever mounted. */
  private receive({ method, path, headers, bytes }: SeenRequest, response: ServerResponse): void {
    const url = new URL(path, 'http://registry');
    if (method === 'POST') {
      response.writeHead(202, { location: `${url.pathname}session?state=1` }).end();
      return;
    }
    const digest = url.searchParams.get('digest') ?? digestOf(bytes);
    if (digest !== digestOf(bytes)) {
      refuse(response, 400, 'DIGEST_INVALID');
      return;
    }
    const manifest = /^\/v2\/(.*\/manifests\/)(.*)$/.exec(url.pathname);
    if (manifest === null) this.blobs.set(digest, bytes);
    for (const name of [manifest?.[2], digest]) {
      const entry = { bytes, type: headers['content-type'] ?? '' };
      if (manifest !== null && name !== undefined) this.manifests.set(`${manifest[1] ?? ''}${name}`, entry);
    }
    response.writeHead(201, { 'docker-content-digest': digest }).end();
  }
}

/** A registry's error answer: 'MANIFEST_UNKNOWN' with the message 'manifest unknown'. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): true {
  const message = code.toLowerCase().replaceAll('_', ' ');
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ errors: [{ code, message }] }));
  return true;
}

/** With a Range header only what it asks for. */
export function sendBlob(response: ServerResponse, blob: Buffer, range: string | undefined): void {
  const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 'NaN');
  if (Number.isNaN(start)) {
    response.writeHead(200, { 'content-length': blob.length }).end(blob);
  } else if (start >= blob.length) {
    response.writeHead(416, { 'content-range': `bytes */${String(blob.length)}` }).end();
  } else {
    const contentRange = `bytes ${String(start)}-${String(blob.length - 1)}/${String(blob.length)}`;
    response
      .writeHead(206, { 'content-length': blob.length - start, 'content-range': contentRange })
      .end(blob.subarray(start));
  }
}

/**
 * Promises all of the blob, sends `bytes` of it, and returns what breaks the connection. To be called when some of
 * it has arrived: what is on the way when a connection breaks may be lost.
 */
export function sendTruncated(response: ServerResponse, blob: Buffer, bytes: number): () => void {
  response.writeHead(200, { 'content-length': blob.length });
  response.write(blob.subarray(0, bytes));
  return () => {
    response.socket?.destroy();
  };
}

export function digestOf(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
