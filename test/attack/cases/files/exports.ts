/**
 * `cp` and `export` of a container that runs, whose programs change what its files are: another root of their own, a
 * mount on `/`, leases. What comes out is the container's tree, or a refusal in words.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun, type AttackCase, type Stage } from '../../case.ts';

/** Runs `script` (of bun:ffi) as the container's program and returns once it has said READY. */
export async function runs(stage: Stage, script: string, ...more: readonly string[]): Promise<string> {
  const image = await stage.image({ files: { '/own/file': 'own' } });
  const { flags, command } = stage.bun(script);
  const started = await stage.minidock('run', '-d', ...more, ...flags, image, ...command);
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const id = started.stdout.trim();
  await stage.host.waitFor(
    async () => (await stage.minidock('logs', id)).stdout.includes('READY'),
    'the attacker to be ready',
  );
  return id;
}

const NEW_ROOT = `
const { dlopen, ptr } = require('bun:ffi');
const { symbols: libc } = dlopen('libc.so.6', { chroot: { args: ['ptr'], returns: 'i32' } });
if (libc.chroot(ptr(Buffer.from('/proc\\0'))) !== 0) throw new Error('cannot change the root');
console.log('READY');
setInterval(() => undefined, 1000);`;

const COVERED = `
const { dlopen, ptr } = require('bun:ffi');
const { symbols: libc } = dlopen('libc.so.6', {
  mount: { args: ['ptr', 'ptr', 'ptr', 'u64', 'ptr'], returns: 'i32' },
});
const text = (word) => ptr(Buffer.from(word + '\\0'));
if (libc.mount(text('proc'), text('/'), text('proc'), 0, null) !== 0) throw new Error('cannot mount on the root');
console.log('READY');
setInterval(() => undefined, 1000);`;

/** A file of the kernel's in the archive, or in what was copied. */
const OF_THE_KERNEL = /^(\.\/)?(kallsyms|sysrq-trigger|self\/ns)/m;

async function exported(stage: Stage, id: string): Promise<string | undefined> {
  const archive = join(stage.dir, 'exported.tar');
  const result = await stage.minidock('export', '-o', archive, id);
  if (!existsSync(archive)) {
    const refused = result.exitCode === 1 && /^minidock: container \w+ has mounted/.test(result.stderr);
    return refused ? undefined : `export is stopped by the container: ${result.stderr}`;
  }
  const { stdout } = await stage.run(['tar', '-tf', archive]);
  if (OF_THE_KERNEL.test(stdout)) return 'the archive holds files of the kernel';
  return stdout.includes('own/file') ? undefined : 'the archive does not hold the files of the container';
}

export const exportCases: readonly AttackCase[] = [
  {
    name: 'export-of-another-root',
    story:
      'The container’s program makes /proc its own root, where nothing is masked, and export follows it there.',
    attack: async (stage) => {
      const id = await runs(stage, NEW_ROOT);
      const found = await exported(stage, id);
      if (found !== undefined) return found;
      const { stdout, stderr } = await stage.minidock('cp', `${id}:/own/file`, '-');
      return stdout.includes('own') ? undefined : `cp follows the program to its root: ${stderr}`;
    },
  },
  {
    name: 'export-of-a-covered-root',
    story: 'A container that may mount covers its own / with /proc, and export takes that for its files.',
    guard: true,
    attack: async (stage) => {
      if (stage.setting.userns === 'auto') throw new CannotRun('the kernel mounts no proc there');
      return exported(
        stage,
        await runs(stage, COVERED, '--cap-add', 'SYS_ADMIN', '--security-opt', 'seccomp=unconfined'),
      );
    },
  },
];
