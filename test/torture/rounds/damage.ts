/** Each file of minidock's own, in each way, of a container that runs and of one that does not. */
import {
  CONTAINER_FILES,
  containerFile,
  DAMAGES,
  RUN_FILES,
  ruin,
  sharedFiles,
  type ContainerFile,
  type Damage,
} from '../../support/damage.ts';
import type { Round, Torture } from '../torture.ts';

/** Milliseconds in which a container must be ended. */
const IN_TIME = 5_000;

interface Case {
  readonly file: ContainerFile | 'shared';
  readonly damage: Damage;
  readonly isRunning: boolean;
}

const ALL: readonly Case[] = DAMAGES.flatMap((damage) =>
  [true, false].flatMap((isRunning) =>
    [...CONTAINER_FILES, ...(isRunning ? RUN_FILES : []), 'shared' as const].map((file) => ({
      file,
      damage,
      isRunning,
    })),
  ),
);

export const damage: Round = {
  name: 'damage',
  story: 'each file × each damage × running and stopped',
  size: Infinity,
  shortSize: 4,
  async run(torture, size) {
    const step = size >= ALL.length ? 1 : Math.floor(ALL.length / size);
    const chosen = ALL.filter((_, at) => at % step === 0).slice(0, size);
    let files = 0;
    for (const one of chosen) files += await carryOut(torture, one);
    return { counts: { 'files damaged': files } };
  },
};

async function carryOut(torture: Torture, { file, damage, isRunning }: Case): Promise<number> {
  const { host, lies } = torture;
  const where = `${file} ${damage}, ${isRunning ? 'running' : 'stopped'}`;
  const expect = (holds: boolean, what: string): void => void (holds || lies.push(`${where}: ${what}`));
  const words = ['--name', 'hurt', '-v', 'kept:/data', '-p', '8080:80', 'test', 'sleep', '1000'];
  const id = (await host.minidock(...(isRunning ? ['run', '-d'] : ['create']), ...words)).stdout.trim();
  const paths = file === 'shared' ? sharedFiles(host) : [containerFile(host, id, 'hurt', file)];
  for (const path of paths) ruin(path, damage);
  const listed = await host.minidock('ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.State}}');
  const state = isRunning ? 'running' : file === 'state' ? 'dead' : 'created';
  expect(listed.stdout === `${id} ${state}\n`, `ps says ${JSON.stringify(listed.stdout)}`);
  for (const verb of [
    ['images', '-q'],
    ['network', 'ls', '-q'],
    ['volume', 'ls', '-q'],
  ]) {
    const { exitCode, stdout } = await host.minidock(...verb);
    expect(exitCode === 0 && stdout !== '', `${verb.join(' ')} ends with ${String(exitCode)}`);
  }
  const found = await host.minidock('doctor', '--json');
  for (const path of paths) expect(found.stdout.includes(path), `doctor does not name ${path}`);
  const begin = Date.now();
  const stopped = await host.minidock('stop', '-t', '0', 'hurt');
  expect(stopped.exitCode === 0, `stop ends with ${String(stopped.exitCode)}: ${stopped.stderr}`);
  expect(torture.processesOf(id).length === 0, 'stop says that it is done, and a process is left');
  const removed = await host.minidock('rm', '-f', 'hurt');
  expect(removed.exitCode === 0, `rm -f ends with ${String(removed.exitCode)}: ${removed.stderr}`);
  expect(Date.now() - begin < IN_TIME, `it took ${String(Date.now() - begin)} ms to end it`);
  const port = await host.minidock('run', '--rm', '-p', '8080:80', 'test', 'true');
  expect(port.exitCode === 0, `its port is not free: ${port.stderr}`);
  await host.minidock('doctor', '--fix');
  await host.minidock('volume', 'rm', '-f', 'kept');
  const after = await host.minidock('doctor', '--json');
  expect(!/"id": "records\.\//.test(after.stdout), 'doctor --fix leaves something damaged');
  await torture.sweep(where);
  return paths.length;
}
