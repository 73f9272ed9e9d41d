import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseReference, type Reference } from '../../../../images/reference.ts';
import { RegistryClient } from '../../../../images/registry/client.ts';
import { downloadBlob } from '../../../../images/registry/download.ts';
import { BlobStore } from '../../../../images/store/blob-store.ts';
import type { Descriptor } from '../../../../images/types.ts';
import { fileLock } from '../../../support/kernel/file-lock.ts';
import { FakeRegistry, refuse, sendTruncated } from '../../../support/images/fake-registry.ts';

const content = randomBytes(300_000);
let dir: string;
let registry: FakeRegistry;
let blobs: BlobStore;
let reference: Reference;
let descriptor: Descriptor;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minidock-download-'));
  registry = await FakeRegistry.start();
  blobs = new BlobStore(dir, fileLock);
  reference = parseReference(`${registry.host}/app`);
  descriptor = { mediaType: 'layer', ...registry.addBlob(content) };
});
afterEach(async () => {
  await registry.close();
  await rm(dir, { recursive: true });
});

function newClient(options = {}): RegistryClient {
  return new RegistryClient({
    credentials: () => Promise.resolve(undefined),
    retry: { attempts: 3, baseMs: 1, capMs: 2 },
    ...options,
  });
}

async function download(options: { onProgress?: () => void } = {}): Promise<string> {
  return await downloadBlob({ client: newClient(), reference, descriptor, blobs, ...options });
}

async function leavePartial(bytes: Buffer): Promise<void> {
  const path = blobs.partialPath(descriptor.digest);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

const stored = (): Promise<Buffer> => readFile(blobs.path(descriptor.digest));
const ranges = (): readonly (string | undefined)[] =>
  registry.requests.filter(({ path }) => path.includes('/blobs/')).map(({ headers }) => headers.range);
const partialExists = (): boolean => existsSync(blobs.partialPath(descriptor.digest));

test('a blob that a loss of power cut short is fetched again', async () => {
  await download();
  await truncate(blobs.path(descriptor.digest), 100);
  expect(await download()).toBe('downloaded');
  expect(await stored()).toEqual(content);
});

test('a blob arrives and is not fetched again', async () => {
  const seen: number[] = [];
  const onProgress = (written: number): number => seen.push(written);
  await expect(downloadBlob({ client: newClient(), reference, descriptor, blobs, onProgress })).resolves.toBe(
    'downloaded',
  );
  expect((await stored()).equals(content)).toBe(true);
  expect(seen.at(-1)).toBe(content.length);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(partialExists()).toBe(false);
  await expect(download()).resolves.toBe('exists');
  expect(ranges()).toHaveLength(1);
});

test('an empty blob is one too', async () => {
  descriptor = { mediaType: 'layer', ...registry.addBlob('') };
  await download();
  expect(await stored()).toHaveLength(0);
});

describe('broken off', () => {
  test('it goes on where it stopped', async () => {
    let breakOff: (() => void) | undefined;
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/') || breakOff !== undefined) return false;
      breakOff = sendTruncated(response, content, 100_000);
      return true;
    };
    await download({ onProgress: () => breakOff?.() });
    expect((await stored()).equals(content)).toBe(true);
    expect(ranges()).toHaveLength(2);
    expect(ranges()[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('for good, the partial file stays and the next run resumes it', async () => {
    let breakOff: (() => void) | undefined;
    registry.intercept = ({ path, headers }, response) => {
      if (!path.includes('/blobs/')) return false;
      if (headers.range !== undefined) return refuse(response, 503, 'UNAVAILABLE');
      breakOff = sendTruncated(response, content, 100_000);
      return true;
    };
    await expect(download({ onProgress: () => breakOff?.() })).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
    });
    expect(partialExists()).toBe(true);
    const kept = (await readFile(blobs.partialPath(descriptor.digest))).length;
    registry.intercept = () => false;
    registry.requests.length = 0;
    await download();
    expect((await stored()).equals(content)).toBe(true);
    expect(ranges()).toEqual([`bytes=${String(kept)}-`]);
  });

  test('without a length: an end too early is noticed', async () => {
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/')) return false;
      response.end(content.subarray(0, 1000));
      return true;
    };
    await expect(download()).rejects.toThrow(/the connection ended after 1000 of 300000 bytes/);
    expect(existsSync(blobs.path(descriptor.digest))).toBe(false);
  });

  test('by the user, the partial file stays', async () => {
    const stop = new AbortController();
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/')) return false;
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 100_000));
      return true;
    };
    const onProgress = (): void => {
      stop.abort();
    };
    const broken = downloadBlob({
      client: newClient(),
      reference,
      descriptor,
      blobs,
      signal: stop.signal,
      onProgress,
    });
    await expect(broken).rejects.toThrow('aborted');
    expect(partialExists()).toBe(true);
    registry.intercept = () => false;
    await download();
    expect((await stored()).equals(content)).toBe(true);
    expect(await readdir(join(dir, 'locks'))).toEqual([]);
  });
});

describe('what an earlier run left', () => {
  test('a server without ranges: from the start', async () => {
    await leavePartial(content.subarray(0, 1000));
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/')) return false;
      response.end(content);
      return true;
    };
    await download();
    expect((await stored()).equals(content)).toBe(true);
  });

  test('of other bytes: once more from the start', async () => {
    await leavePartial(randomBytes(1000));
    await download();
    expect((await stored()).equals(content)).toBe(true);
    expect(ranges()).toEqual(['bytes=1000-', undefined]);
  });

  test('too long: from the start', async () => {
    await leavePartial(randomBytes(content.length + 1));
    await download();
    expect((await stored()).equals(content)).toBe(true);
    expect(ranges()).toEqual([undefined]);
  });

  test('complete: only checked', async () => {
    await leavePartial(content);
    await download();
    expect((await stored()).equals(content)).toBe(true);
    expect(ranges()).toEqual([]);
  });
});

describe('wrong bytes', () => {
  const serve = (bytes: Buffer): void => {
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/')) return false;
      response.end(bytes);
      return true;
    };
  };

  test('of the right length', async () => {
    serve(randomBytes(content.length));
    await expect(download()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('too many, and no end of them', async () => {
    registry.intercept = ({ path }, response) => {
      if (!path.includes('/blobs/')) return false;
      response.write(Buffer.concat([content, Buffer.from('x')]));
      return true;
    };
    await expect(download()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });

  afterEach(() => {
    expect(partialExists()).toBe(false);
    expect(existsSync(blobs.path(descriptor.digest))).toBe(false);
  });
});

test.each([
  ['the wrong bytes', content.length],
  ['too many bytes', content.length + 1],
])('a mirror that gives %s is passed over', async (_what, size) => {
  const liar = await FakeRegistry.start();
  liar.intercept = (_request, response) => {
    response.end(randomBytes(size));
    return true;
  };
  const client = newClient({ mirrors: [`http://${liar.host}`, `http://${registry.host}`] });
  await downloadBlob({ client, reference: parseReference('hub/app'), descriptor, blobs });
  expect((await stored()).equals(content)).toBe(true);
  await liar.close();
});

test('two at the same time fetch it once', async () => {
  const results = await Promise.all([download(), download(), download()]);
  expect(results.sort()).toEqual(['downloaded', 'exists', 'exists']);
  expect(ranges()).toHaveLength(1);
});
