/**
 * SIGKILL for commands and shims, at any moment of whatever they do. Half of the containers are in a network of their
 * own, where names resolve.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownFiles } from '../../support/host/own-files.ts';
import { pause, type Round, type Torture } from '../torture.ts';

/** How long a command takes at most on an idle machine, in milliseconds. */
const LONGEST = 140;
const CHECK_EVERY = 10;

const [NAMED, IMAGE, VOLUME] = ['names', 'committed', 'kept'];

const FLAGS = ['-p', '8080:80', '-v', '/data', '-m', '64m'];

const SLEEP = ['test', 'sleep', '1000'];

/** Commands, given the name of a container that is there, running or not, and a directory on the host. */
const COMMANDS: readonly ((name: string, dir: string) => readonly string[])[] = [
  () => ['run', '-d', ...FLAGS, 'test', 'sleep', '1000'],
  () => ['run', '--rm', ...FLAGS, 'test', 'true'],
  () => ['create', ...FLAGS, 'test', 'true'],
  (name) => ['start', name],
  (name) => ['stop', '-t', '0', name],
  (name) => ['kill', name],
  (name) => ['restart', '-t', '0', name],
  (name) => ['exec', name, 'sleep', '1'],
  (name) => ['rm', '-f', '-v', name],
  (name) => ['rename', name, `${name}-too`],
  () => ['network', 'create', 'tortured'],
  () => ['network', 'rm', 'tortured'],
  () => ['run', '-d', '--restart', 'always', '--network', NAMED, ...FLAGS, 'test', 'sleep', '0.2'],
  () => ['run', '-d', '--restart', 'on-failure:3', ...FLAGS, 'test', 'false'],
  () => ['run', '-d', '--health-cmd', 'true', '--health-interval', '0.1s', 'test', 'sleep', '1000'],
  (name) => ['network', 'connect', '--alias', 'other', NAMED, name],
  (name) => ['network', 'connect', 'bridge', name],
  (name) => ['network', 'disconnect', NAMED, name],
  (name) => ['network', 'disconnect', 'bridge', name],
  (name) => ['pause', name],
  (name) => ['unpause', name],
  (name) => ['update', '-m', '96m', '--memory-swap', '96m', '--cpus', '0.5', '--restart', 'always', name],
  (name) => ['commit', name, IMAGE],
  (name, dir) => ['cp', `${name}:/bin`, join(dir, 'copied')],
  (name, dir) => ['cp', join(dir, 'files'), `${name}:/tmp`],
  (name, dir) => ['export', '-o', join(dir, 'exported'), name],
  () => ['volume', 'create', VOLUME],
  () => ['volume', 'rm', VOLUME],
  () => ['volume', 'prune', '-af'],
  () => ['container', 'prune', '-f'],
  () => ['system', 'prune', '-f', '--volumes'],
  () => ['rmi', IMAGE],
  () => ['tag', 'test', IMAGE],
];

export const kills: Round = {
  name: 'kills',
  story: 'commands and shims are killed at any moment',
  size: 320,
  shortSize: 12,
  async run(torture, size) {
    const dir = join(torture.host.dir, 'copies');
    for (const name of ['files', 'copied']) mkdirSync(join(dir, name), { recursive: true });
    for (let at = 0; at < 200; at += 1) writeFileSync(join(dir, 'files', String(at)), 'x'.repeat(at * 100));
    const files = await ownFiles(torture.host);
    let injected = 0;
    for (let turn = 0; injected < size; turn += 1) {
      const name = `c${String(turn)}`;
      if (turn % CHECK_EVERY === 0) await torture.host.minidock('network', 'create', NAMED);
      if (torture.chance(4) > 0) {
        const network = torture.pick([NAMED, 'bridge']);
        await torture.host.minidock(...['run', '-d', '--name', name, '--network', network], ...SLEEP);
      }
      const words = torture.pick(COMMANDS)(name, dir);
      const command = torture.start(...words);
      await pause(torture.chance(LONGEST));
      injected += shoot(torture, command.pid);
      await command.exited;
      await torture.crossExamine(`kill ${String(injected)} during ${words.join(' ')}`);
      if (turn % CHECK_EVERY === CHECK_EVERY - 1)
        await clean(torture, files, `after kill ${String(injected)}`);
    }
    await clean(torture, files, 'after the last kill');
    return { counts: { 'SIGKILLs injected and survived': injected } };
  },
};

async function clean(torture: Torture, files: readonly string[], where: string): Promise<void> {
  const { stdout } = await torture.host.minidock('ps', '-aq');
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await torture.host.minidock('rm', '-f', '-v', ...ids);
  for (const network of ['tortured', NAMED]) await torture.host.minidock('network', 'rm', '-f', network);
  // `container prune` leaves the anonymous volumes of what it removes.
  await torture.host.minidock('volume', 'prune', '-af');
  await torture.host.minidock('rmi', '-f', IMAGE);
  await torture.host.minidock('image', 'prune', '-f');
  await torture.sweep(where);
  const left = await ownFiles(torture.host);
  for (const path of left.filter((each) => !files.includes(each)))
    torture.leaks.push(`${where}: file ${path}`);
  for (const path of files.filter((each) => !left.includes(each)))
    torture.lies.push(`${where}: file ${path} is gone`);
}

/** The command, a shim, or both; how many were there to be shot. */
function shoot(torture: Torture, command: number): number {
  const shims = torture.shims();
  const shim = shims[torture.chance(Math.max(1, shims.length))];
  const targets = torture.pick([
    [command],
    shim === undefined ? [command] : [shim],
    [command, ...(shim === undefined ? [] : [shim])],
  ]);
  return targets.filter((pid) => torture.kill(pid)).length;
}
