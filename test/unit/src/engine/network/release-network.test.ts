/** What a container held is given back, also what a kill has left half made. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { releaseLeases } from '../../../../../src/engine/network/release-network.ts';
import { dnsDir, idsDir, leasesDir, resolvePaths } from '../../../../../src/engine/state/paths.ts';

const dir = mkdtempSync(join(tmpdir(), 'minidock-release-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const paths = resolvePaths({ root: join(dir, 'root'), run: join(dir, 'run') });
const [ours, theirs] = ['a'.repeat(64), 'b'.repeat(64)];

test('leases and names of a container go, whole, half written and empty; those of others stay', () => {
  const [leases, names, ids] = [join(leasesDir(paths), 'net'), join(dnsDir(paths), 'net'), idsDir(paths)];
  for (const directory of [leases, names, ids]) mkdirSync(directory, { recursive: true });
  const write = (path: string, text: string): void => writeFileSync(path, text);
  write(join(leases, '172.17.0.2'), ours);
  write(join(leases, '172.17.0.3'), theirs);
  // Killed between open(2) and write(2).
  for (const directory of [leases, names, ids]) write(join(directory, `.${ours}`), '');
  for (const directory of [leases, names, ids]) write(join(directory, `.${theirs}`), '');
  write(join(names, ours), '');
  write(join(names, theirs), '');

  releaseLeases(paths, ours);

  expect(readdirSync(leases).sort()).toEqual([`.${theirs}`, '172.17.0.3']);
  expect(readdirSync(names).sort()).toEqual([`.${theirs}`, theirs]);
  expect(readdirSync(ids)).toEqual([`.${theirs}`]);
});
