/** The last look before a program starts: each kind of mistake in an earlier step is noticed, and nothing else is. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { makeBundle, type BundleChanges, type TestBundle } from '../support/bundle.ts';
import { driver } from '../support/bun.ts';
import { succeed } from '../support/images/image.ts';
import { runProgram } from '../support/host/processes.ts';

let bundle: TestBundle;
beforeEach(() => {
  bundle = makeBundle();
});
afterEach(() => bundle.dispose());

async function verdict(astray: readonly string[], changes: BundleChanges = {}): Promise<string> {
  bundle.prepare(['true'], changes);
  const namespaces = ['unshare', '--mount', '--uts', '--ipc', '--net', '--pid', '--fork', '--kill-child'];
  const driven = driver('astray-driver.ts', bundle.dir, ...astray);
  return (await succeed(runProgram([...namespaces, ...driven]))).stdout.trim();
}

test('a container as it should be passes, with mounts of its own and of the host', async () => {
  const mounts = [
    { destination: '/host', type: 'bind', source: '/', options: ['rbind', 'rprivate', 'ro'] },
    { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: [] },
    { destination: '/sys/fs', type: 'bind', source: '/tmp', options: ['rbind'] },
  ];
  expect(await verdict([])).toBe('');
  expect(await verdict([], { mounts, readonly: true })).toBe('');
});

test.each([
  ['the host’s tree stays', ['skip', 'rootfs.unmount-host'], '"/.." is not the container’s root'],
  ['somebody mounts', ['cover', '/tmp'], 'a mount that was not made for it: '],
  ['somebody mounts over the root', ['cover', '/'], '"/.." is not the container’s root'],
  ['a file is not hidden', ['skip', 'rootfs.mask:/proc/keys'], '/proc/keys is not hidden'],
  ['a directory is not hidden', ['skip', 'rootfs.mask:/sys/firmware'], '/sys/firmware is not hidden'],
  ['a directory stays writable', ['skip', 'rootfs.readonly:/proc/sys'], '/proc/sys is writable'],
])('%s: nothing is started', async (_name, astray, words) => {
  expect(await verdict(astray)).toContain(`the container would not be closed off from the host: ${words}`);
});
