import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '../../../../images/digest.ts';
import { BlobStore, hexOf } from '../../../../images/store/blob-store.ts';
import { ownerTag } from '../../../../images/store/owner.ts';
import { deadOwner } from '../../../support/kernel/dead-owner.ts';
import { fileLock } from '../../../support/kernel/file-lock.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const content = Buffer.from('content');
const digest = digestOf(content);

async function started(bytes: Buffer) {
  const dir = temporaryDirectory();
  const blobs = new BlobStore(dir, fileLock);
  const release = await blobs.lock(digest);
  writeFileSync(blobs.partialPath(digest), bytes);
  return { dir, blobs, release };
}

test('a finished download becomes a blob', async () => {
  const { blobs, release } = await started(content);
  expect(await blobs.has(digest)).toBe(false);
  await blobs.commit(blobs.partialPath(digest), digest, content.length);
  release();
  expect([await blobs.has(digest), blobs.readBytes(digest), await blobs.list()]).toEqual([
    true,
    content,
    [digest],
  ]);
  expect(existsSync(blobs.partialPath(digest))).toBe(false);
});

test.each([
  ['DIGEST_MISMATCH', Buffer.from('CONTENT')],
  ['SIZE_MISMATCH', Buffer.from('content and more')],
  ['SIZE_MISMATCH', Buffer.from('cont')],
])('%s: nothing of it is kept', async (code, bytes) => {
  const { blobs, dir, release } = await started(bytes);
  const commit = blobs.commit(blobs.partialPath(digest), digest, content.length);
  await expect(commit).rejects.toMatchObject({ code });
  release();
  expect([await blobs.has(digest), readdirSync(join(dir, 'partial'))]).toEqual([false, []]);
});

test('a digest found while writing is believed, but must be the right one', async () => {
  const { blobs, release } = await started(content);
  const commit = blobs.commit(blobs.partialPath(digest), digest, content.length, digestOf(Buffer.from('x')));
  await expect(commit).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  release();
});

test('small content is put in one go, and once', async () => {
  const dir = temporaryDirectory();
  const blobs = new BlobStore(dir, fileLock);
  expect(await blobs.putBytes(content)).toBe(digest);
  expect(await blobs.putBytes(content)).toBe(digest);
  expect(readdirSync(join(dir, 'partial'))).toEqual([]);
});

test('what is missing, and what is too long to be read as a whole', async () => {
  const blobs = new BlobStore(temporaryDirectory(), fileLock);
  expect(() => blobs.readBytes(digest)).toThrow(expect.objectContaining({ code: 'BLOB_MISSING' }));
  await blobs.putBytes(content);
  expect(blobs.readBytes(digest, content.length)).toEqual(content);
  expect(() => blobs.readBytes(digest, content.length - 1)).toThrow(
    expect.objectContaining({ code: 'BLOB_TOO_LARGE' }),
  );
});

test('a digest is checked before it becomes a path', () => {
  for (const bad of [
    'sha256:../../etc/passwd',
    'sha512:00',
    `sha256:${'A'.repeat(64)}`,
    digest.slice(0, -1),
  ]) {
    expect(() => hexOf(bad)).toThrow(/is not a sha256 digest/);
  }
});

test('what a killed load had written goes with the next one; the living and what can be resumed stay', async () => {
  const { blobs, dir, release } = await started(content);
  const living = `.${ownerTag()}-0`;
  for (const name of [`.${deadOwner()}`, `.${deadOwner()}-7`, living]) {
    writeFileSync(join(dir, 'partial', name), 'half');
  }
  await blobs.temporaryPath();
  release();
  expect(readdirSync(join(dir, 'partial')).sort()).toEqual([living, hexOf(digest)].sort());
});
