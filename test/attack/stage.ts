/** The scene of an attack: a throw-away host of its own, in which the minidock under attack is what a victim uses. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createHost, type TestHost } from '../support/host/host.ts';
import type { RunOptions, RunResult } from '../support/host/processes.ts';
import { CannotRun, type HostileImage, type Secret, type Setting, type Stage, type Way } from './case.ts';
import { hostileArchive } from './hostile-archive.ts';

/** A container of a victim's: the shortest life that `exec` needs, and more than any case takes. */
const IDLE = ['/bin/sleep', '600'];
const LIMIT = 20_000;

export interface OpenStage extends Stage {
  /** What the minidock under attack has been asked and has said, since this was last asked. */
  said(): readonly string[];
  /** Containers and volumes go, as they would between two uses. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(binary: string, setting: Setting, patience: number): Promise<OpenStage> {
  const host = await createHost();
  const dir = join(host.dir, 'case');
  mkdirSync(dir);
  const env = {
    MINIDOCK_FIREWALL: setting.firewall,
    ...(setting.userns === 'auto' ? { MINIDOCK_USERNS: 'auto' } : {}),
  };
  const said: string[] = [];
  const run = async (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> => {
    const result = await host.run(argv, {
      timeout: LIMIT * patience,
      ...options,
      env: { ...env, ...options.env },
    });
    said.push(
      `$ ${argv.join(' ').replaceAll('\n', ' ').slice(0, 200)}`,
      result.stdout,
      result.stderr,
      `status ${String(result.exitCode)}`,
    );
    return result;
  };
  const minidock = (...args: readonly string[]): Promise<RunResult> => {
    const refused = args.includes('--privileged') || args.includes('--script');
    if (setting.userns === 'auto' && args[0] === 'run' && refused) throw new CannotRun(BY_DESIGN);
    return run([binary, ...args]);
  };
  let count = 0;
  return {
    host,
    setting,
    dir,
    patience,
    binary,
    run,
    minidock,
    image: async (hostile) => await store(hostile, `hostile-${String(++count)}`, dir, minidock),
    use: async (way, image, flags, command) => {
      if (setting.userns === 'auto' && REFUSED_WITH_USERS.includes(way)) {
        throw new CannotRun(BY_DESIGN);
      }
      return await use({ run, minidock, binary }, way, image, flags, command);
    },
    secret: () => secretIn(dir, ++count),
    bun: (script) => bunFor(dir, ++count, script),
    said: () => said.splice(0),
    tidy: () => tidy(host, binary),
    close: () => host.dispose(),
  };
}

async function store(
  hostile: HostileImage,
  name: string,
  dir: string,
  minidock: Stage['minidock'],
): Promise<string> {
  const archive = join(dir, `${name}.tar`);
  writeFileSync(archive, hostileArchive(name, hostile));
  const { exitCode, stderr } = await minidock('load', '-q', '-i', archive);
  if (exitCode !== 0) throw new Error(`the image could not be loaded: ${stderr}`);
  return name;
}

const BY_DESIGN = '--userns=auto refuses it by design';

/** Ways that a container with users of its own has not. */
export const REFUSED_WITH_USERS: readonly Way[] = ['script', 'privileged'];

async function use(
  { run, minidock, binary }: Pick<Stage, 'run' | 'minidock' | 'binary'>,
  way: Way,
  image: string,
  flags: readonly string[],
  command: readonly string[],
): Promise<RunResult> {
  switch (way) {
    case 'run':
      return await minidock('run', '--rm', ...flags, image, ...command);
    case 'init':
      return await minidock('run', '--rm', '--init', ...flags, image, ...command);
    case 'privileged':
      return await minidock('run', '--rm', '--privileged', ...flags, image, ...command);
    case 'script':
      return await run([
        'bash',
        '-c',
        '"$@" | bash',
        'bash',
        binary,
        'run',
        '--script',
        ...flags,
        image,
        ...command,
      ]);
    case 'create': {
      const created = await minidock('create', ...flags, image, ...command);
      return created.exitCode === 0 ? await minidock('start', '-a', created.stdout.trim()) : created;
    }
    case 'exec': {
      const started = await minidock('run', '-d', ...flags, image, ...IDLE);
      if (started.exitCode !== 0) return started;
      const id = started.stdout.trim();
      const result = await minidock('exec', id, ...command);
      await minidock('rm', '-f', '-v', id);
      return result;
    }
  }
}

function secretIn(dir: string, number: number): Secret {
  const path = join(dir, `secret-${String(number)}`);
  const text = `secret-${randomBytes(16).toString('hex')}`;
  writeFileSync(path, text, { mode: 0o600 });
  return { path, text, changed: () => readFileSync(path, 'utf8') !== text };
}

/** The attacker's own Bun is the one this suite runs on, in a directory that the victim is talked into sharing. */
function bunFor(dir: string, number: number, script: string): ReturnType<Stage['bun']> {
  const file = join(dir, `program-${String(number)}.js`);
  writeFileSync(file, script);
  const shared = ['/lib', '/lib64'].flatMap((path) => ['-v', `${path}:${path}:ro`]);
  return {
    flags: [
      '-v',
      `${process.execPath}:/attacker/bun:ro`,
      '-v',
      `${file}:/attacker/program.js:ro`,
      ...shared,
      '-e',
      'BUN_BE_BUN=1',
    ],
    command: ['/attacker/bun', '/attacker/program.js'],
  };
}

const TIDY = `
minidock=$1
containers=$("$minidock" ps -aq) && { [ -z "$containers" ] || "$minidock" rm -f -v $containers; } &&
  volumes=$("$minidock" volume ls -q) && { [ -z "$volumes" ] || "$minidock" volume rm $volumes; }
`;

async function tidy(host: TestHost, binary: string): Promise<void> {
  const { exitCode, stderr } = await host.run(['bash', '-c', TIDY, 'bash', binary]);
  if (exitCode !== 0) throw new Error(`the containers of an attack could not be removed: ${stderr}`);
}
