import { expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { detectCompression } from '../../../../images/unpack/compression.ts';
import { unpackError } from '../../../../images/unpack/corrupt.ts';
import { unpackLayer } from '../../../../images/unpack/unpack.ts';
import { recordingCalls } from '../../../support/kernel/recording-calls.ts';
import { tarOf } from '../../../support/images/tar-bytes.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const archive = tarOf({ name: 'f', data: 'x'.repeat(3_000_000) }, { name: 'end', data: 'end' });
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function unpack(blob: Buffer, options: { diffId?: string; onProgress?: (bytes: number) => void } = {}) {
  const dir = temporaryDirectory();
  const target = join(dir, 'fs');
  mkdirSync(target);
  writeFileSync(join(dir, 'blob'), blob);
  const report = await unpackLayer(join(dir, 'blob'), target, recordingCalls(target), {
    enterRoot: false,
    ...options,
  });
  return { report, read: (path: string) => readFileSync(join(target, path), 'utf8') };
}

test('plain and gzip archives give the same layer and its diff id', async () => {
  for (const blob of [archive, gzipSync(archive)]) {
    const { report, read } = await unpack(blob, { diffId: sha256(archive) });
    expect(report).toMatchObject({ diffId: sha256(archive), tarSize: archive.length, size: 3_000_003 });
    expect(read('end')).toBe('end');
  }
});

test('a gzip file of several members, as pigz and eStargz write it', async () => {
  const members = [archive.subarray(0, 1000), archive.subarray(1000, 1_500_000), archive.subarray(1_500_000)];
  const { report, read } = await unpack(Buffer.concat(members.map((part) => gzipSync(part))));
  expect([report.diffId, read('end')]).toEqual([sha256(archive), 'end']);
});

test('what the archive holds behind its end counts for the diff id', async () => {
  const padded = Buffer.concat([archive, Buffer.alloc(10240)]);
  expect((await unpack(gzipSync(padded))).report).toMatchObject({
    diffId: sha256(padded),
    tarSize: padded.length,
  });
});

test('another content than the configuration names', async () => {
  const diffId = sha256(Buffer.from('something else'));
  await expect(unpack(archive, { diffId })).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' });
});

test('truncated and damaged blobs', async () => {
  const blob = gzipSync(archive);
  const damaged = Buffer.from(blob);
  damaged.fill(0xff, 40, 60);
  for (const bad of [
    blob.subarray(0, blob.length / 2),
    damaged,
    archive.subarray(0, 2_000_000),
    Buffer.from('nonsense'),
  ]) {
    await expect(unpack(bad)).rejects.toMatchObject({
      code: 'LAYER_CORRUPT',
      message: expect.stringMatching(/^corrupt layer: /) as unknown,
    });
  }
});

test('progress counts compressed bytes and reaches the blob’s size', async () => {
  const blob = gzipSync(archive);
  const told: number[] = [];
  await unpack(blob, { onProgress: (bytes) => told.push(bytes) });
  expect(told.at(-1)).toBe(blob.length);
});

test('the first bytes show the compression', () => {
  const heads = {
    gzip: '1f8b08',
    zstd: '28b52ffd',
    xz: 'fd377a585a00',
    bzip2: '425a6839',
    none: '7573746172',
  };
  for (const [name, hex] of Object.entries(heads))
    expect(detectCompression(Buffer.from(hex, 'hex'))).toBe(name);
  expect(detectCompression(Buffer.alloc(0))).toBe('none');
});

test('a full disk is said in words', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(unpackError('unpacking "f"', full)).toMatchObject({
    code: 'NO_SPACE',
    message: /^unpacking "f": no space left/,
  });
  expect(unpackError('unpacking "f"', new Error('EIO'))).toMatchObject({
    code: 'UNPACK_FAILED',
    message: 'unpacking "f": EIO',
  });
});
