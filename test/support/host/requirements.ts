/**
 * Tests that need something of the kernel which a machine may lack: they are skipped there, with the reason in
 * their name, from where scripts/test reads it for its list. Whole kinds of tests that cannot run (not root, no
 * namespaces) are skipped by scripts/test itself and need nothing here.
 */
import { readFileSync } from 'node:fs';
import { test } from '@jest/globals';

/** A test that runs if `missing` is ''; else it is skipped for that reason. */
export function testUnless(
  missing: string,
  name: string,
  body: () => Promise<void> | void,
  timeout?: number,
): void {
  if (missing === '') test(name, body, timeout);
  else test.skip(`${name} # skip: ${missing}`, body, timeout);
}

/** '' when the cgroup controller can be used in some hierarchy of this machine, else a reason. */
export function missingController(name: string): string {
  const rows = readFileSync('/proc/cgroups', 'utf8').split('\n').slice(1);
  const found = rows
    .map((row) => row.split('\t'))
    .some(([controller, , , enabled]) => controller === name && enabled === '1');
  return found || unifiedControllers().includes(name) ? '' : `no cgroup controller ${name}`;
}

/** '' when the kernel has this file system, loaded or built in, else a reason. */
export function missingFileSystem(name: string): string {
  const known = readFileSync('/proc/filesystems', 'utf8').split('\n');
  return known.some((line) => line.split('\t')[1] === name) ? '' : `no file system ${name} in this kernel`;
}

function unifiedControllers(): readonly string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const point = mounts.find(([, , type]) => type === 'cgroup2')?.[1];
  return point === undefined ? [] : readFileSync(`${point}/cgroup.controllers`, 'utf8').trim().split(' ');
}
