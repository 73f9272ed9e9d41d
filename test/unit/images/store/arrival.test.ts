import { expect, test } from '@jest/globals';
import { appendFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Arrival, type ArrivingBlob } from '../../../../images/store/arrival.ts';
import { digestOf } from '../../../../images/digest.ts';
import { waitFor } from '../../../support/host/processes.ts';
import { testStore } from '../../../support/images/stored-images.ts';
import { tarOf } from '../../../support/images/tar-bytes.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const whole = async ({ blob, more }: ArrivingBlob): Promise<string> => {
  while (await more());
  return readFileSync(blob, 'utf8');
};

function started(content: string) {
  const path = join(temporaryDirectory(), 'partial');
  writeFileSync(path, content);
  const arrival = new Arrival(100);
  arrival.begin(path);
  return { path, arrival };
}

test('a concurrent reader learns of more, also when the file has its final name by then', async () => {
  const { path, arrival } = started('one');
  const seen: string[] = [];
  const result = arrival.readAlong(async ({ blob, more, size }) => {
    do seen.push(readFileSync(blob, 'utf8'));
    while (await more());
    seen.push(readFileSync(blob, 'utf8'));
    return size;
  });
  appendFileSync(path, ' two');
  arrival.grow(5 << 20);
  await waitFor(() => seen.includes('one two'), 'the second piece');
  appendFileSync(path, ' three');
  renameSync(path, `${path}.final`);
  arrival.end();
  expect(await result).toBe(100);
  expect(seen.at(-1)).toBe('one two three');
});

test('a blob that is complete, and has its final name, before anyone reads', async () => {
  const { arrival, path } = started('one');
  renameSync(path, `${path}.final`);
  arrival.end();
  expect(await arrival.readAlong(whole)).toBe('one');
});

test('what began again is read again, and what was said of the wrong bytes is forgotten', async () => {
  const { path, arrival } = started('wrong');
  const seen: string[] = [];
  const result = arrival.readAlong((source) => {
    seen.push(readFileSync(source.blob, 'utf8'));
    if (seen.at(-1) === 'wrong') throw new Error('corrupt');
    return whole(source);
  });
  arrival.begin(path);
  truncateSync(path);
  await waitFor(() => seen.length === 2, 'a second reading');
  appendFileSync(path, 'right');
  arrival.end();
  expect([await result, seen]).toEqual(['right', ['wrong', '']]);
});

test('a reader in the middle is stopped when it begins again', async () => {
  const { path, arrival } = started('wrong');
  let stopped = 0;
  const result = arrival.readAlong(async (source) => {
    source.signal.addEventListener('abort', () => (stopped += 1));
    return await whole(source);
  });
  arrival.begin(path);
  writeFileSync(path, 'right');
  arrival.end();
  expect([await result, stopped]).toEqual(['right', 1]);
});

test('a result made before the end is not believed when the blob turns out to be wrong', async () => {
  const { arrival } = started('wrong');
  const result = arrival.readAlong(() => Promise.resolve('made of wrong bytes'));
  arrival.end({ error: new Error('it has another digest') });
  await expect(result).rejects.toThrow('it has another digest');
});

test('what is wrong with the right bytes is reported', async () => {
  const { arrival } = started('right');
  const result = arrival.readAlong(() => Promise.reject(new Error('corrupt layer')));
  arrival.end();
  await expect(result).rejects.toThrow('corrupt layer');
});

test('a layer gets its name only once its blob is verified', async () => {
  const { store } = testStore(temporaryDirectory());
  const tar = tarOf({ name: 'file', data: 'content' });
  const blob = gzipSync(tar);
  const path = join(temporaryDirectory(), 'partial');
  writeFileSync(path, blob.subarray(0, 20));
  const arrival = new Arrival(blob.length);
  const [diffId, digest] = [digestOf(tar), digestOf(blob)];
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: blob.length };
  const layer = store.ensureLayer({ descriptor, diffId, arrival });
  arrival.begin(path);
  appendFileSync(path, blob.subarray(20));
  arrival.grow(2 << 20);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await store.hasLayer(diffId)).toBe(false);
  arrival.end();
  await layer;
  expect(await store.hasLayer(diffId)).toBe(true);
  expect(store.layer(diffId).report.tarSize).toBe(tar.length);
});
