/** File systems that are full, or nearly: of the state that survives a reboot, and of the one that does not. */
import { join } from 'node:path';
import { pause, type Round, type Torture } from '../torture.ts';

/** Kilobytes of a file system of the test's own, and how many of them are left at most. */
const SIZE = 600;
const LEFT = 60;

const VERBS: readonly (readonly string[])[] = [
  ['run', '--rm', '-p', '8080:80', 'test', 'true'],
  ['run', '-d', '--name', 'full', '-p', '8080:80', 'test', 'seq', '1', '100000'],
  ['create', '--name', 'full', 'test', 'true'],
  ['stop', '-t', '0', 'there'],
  ['rm', '-f', 'there'],
  ['restart', '-t', '0', 'there'],
  ['rename', 'there', 'thither'],
];

export const fullDisk: Round = {
  name: 'full-disk',
  story: 'no room for what is to be written',
  size: 60,
  shortSize: 3,
  async run(torture, size) {
    for (let turn = 0; turn < size; turn += 1) await once(torture, turn);
    return { counts: { 'full disks': size } };
  },
};

async function once(torture: Torture, turn: number): Promise<void> {
  const { host } = torture;
  const place = join(...torture.pick([[host.root, 'containers'], [host.runDir]]));
  const sh = (text: string): Promise<unknown> => host.run(['sh', '-c', text]);
  const verb = torture.pick(VERBS);
  const where = `disk ${String(turn)}, ${verb.join(' ')}`;
  await sh(`mount -t tmpfs -o size=${String(SIZE)}k,mode=700 tmpfs ${place}`);
  try {
    await host.minidock('run', '-d', '--name', 'there', 'test', 'sleep', '1000');
    const left = torture.chance(LEFT);
    await sh(
      `dd if=/dev/zero of=${place}/.ballast bs=1k 2>/dev/null; truncate -s -${String(left)}k ${place}/.ballast`,
    );
    await host.minidock(...verb);
    await torture.crossExamine(where);
    await pause(torture.chance(20));
    // There is room again: everything can be ended and removed.
    await sh(`rm -f ${place}/.ballast`);
    const { stdout } = await host.minidock('ps', '-aq');
    const ids = stdout.split('\n').filter(Boolean);
    const removed = ids.length === 0 ? undefined : await host.minidock('rm', '-f', ...ids);
    if (removed !== undefined && removed.exitCode !== 0)
      torture.lies.push(`${where}: rm -f: ${removed.stderr}`);
    if (torture.shims().length > 0) await pause(500);
    if (torture.shims().length > 0) torture.leaks.push(`${where}: a shim is left`);
  } finally {
    await sh(`umount -l ${place}`);
  }
  await torture.sweep(where);
}
