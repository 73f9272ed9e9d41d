/** SIGKILL for commands and shims, at any moment of whatever they do. */
import { pause, type Round, type Torture } from '../torture.ts';

/** How long a command takes at most on an idle machine, in milliseconds. */
const LONGEST = 140;
const CHECK_EVERY = 10;

const FLAGS = ['-p', '8080:80', '-v', '/data', '-m', '64m'];

/** Commands, given the name of a container that is there, running or not. */
const COMMANDS: readonly ((name: string) => readonly string[])[] = [
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
];

export const kills: Round = {
  name: 'kills',
  story: 'commands and shims are killed at any moment',
  size: 320,
  shortSize: 12,
  async run(torture, size) {
    let injected = 0;
    for (let turn = 0; injected < size; turn += 1) {
      const name = `c${String(turn)}`;
      if (torture.chance(4) > 0)
        await torture.host.minidock('run', '-d', '--name', name, 'test', 'sleep', '1000');
      const words = torture.pick(COMMANDS)(name);
      const command = torture.start(...words);
      await pause(torture.chance(LONGEST));
      injected += shoot(torture, command.pid);
      await command.exited;
      await torture.crossExamine(`kill ${String(injected)} during ${words.join(' ')}`);
      if (turn % CHECK_EVERY === CHECK_EVERY - 1) await clean(torture, `after kill ${String(injected)}`);
    }
    await clean(torture, 'after the last kill');
    return { counts: { 'SIGKILLs injected and survived': injected } };
  },
};

async function clean(torture: Torture, where: string): Promise<void> {
  const { stdout } = await torture.host.minidock('ps', '-aq');
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await torture.host.minidock('rm', '-f', '-v', ...ids);
  await torture.host.minidock('network', 'rm', 'tortured');
  await torture.sweep(where);
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
