/**
 * Starts, enters, resets and ends a lab's host, from the machine's side. All its processes are below one PID 1; the
 * keeper removes the rest (control groups, a directory in MINIDOCK_RUN).
 */
import { spawn as startProcess, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { MinidockError } from '../../../runtime/errors.ts';
import { delay } from '../../../runtime/io/delay.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { isInstalled, requireTool } from '../../../runtime/plan/tools.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { waitLock } from '../../engine/state/lock.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { removeTree } from '../../engine/state/remove-tree.ts';
import { stdinIsTerminal, stdout } from '../../io/standard-streams.ts';
import { createLabGroups, labGroups, removeLabGroups, thaw, type LabGroup } from './cgroups.ts';
import { keptEnvironment, leaveKeys, signalTo } from './enter.ts';
import { ENTER, HOST, KEEPER, LAB_IDS, RC, STAGE } from './host-script.ts';
import { deadLabs, groupsOf, hasKeeper, labDir, labsDir, readLab, type RunningLab } from './lab-dirs.ts';
import type { Lesson } from './lesson.ts';

export interface StartOptions {
  /** The directory's name: the lesson's, with `+…` for a lab that nobody enters. */
  readonly id: string;
  /** The file of reached steps. */
  readonly progress: string;
  /** The lab ends with this process, however that ends. */
  readonly bound?: boolean;
}

/** The programs that the scripts need before the lab exists. */
const PROGRAMS = [
  'bash',
  'findmnt',
  'ip',
  'mkfifo',
  'mount',
  'nsenter',
  'pivot_root',
  'setpriv',
  'umount',
  'unshare',
];

/** @throws MinidockError 'LAB_RUNNING', 'TOOL_MISSING', 'LAB_FAILED' with the output of the failed command. */
export async function startLab(paths: Paths, lesson: Lesson, options: StartOptions): Promise<RunningLab> {
  const { id } = options;
  for (const program of PROGRAMS) requireTool(program);
  await requirePing(lesson);
  if (stdinIsTerminal() && stdout.isTTY) requireTool('script');
  // Without a PID 1 the lab starts or ends: wait a moment.
  for (let wait = 0; hasKeeper(labDir(paths, id)) && readLab(paths, id) === undefined; wait++) {
    if (wait === 1000) throw alreadyRuns(id);
    await delay(10);
  }
  const { keeper, log } = startKeeper(paths, lesson, options);
  try {
    if (keeper.pid === undefined || keeper.stdout === null)
      throw failed(lesson.name, 'bash could not be started');
    keeper.unref();
    if (!(await saysReady(keeper.stdout))) {
      await gone(keeper.pid);
      throw failed(lesson.name, readLog(log));
    }
  } finally {
    closeSync(log);
  }
  const lab = readLab(paths, id);
  if (lab === undefined) throw failed(lesson.name, 'it ended at once');
  return lab;
}

/** A step that asks for a ping needs it. @throws MinidockError 'TOOL_MISSING'. */
async function requirePing({ steps }: Lesson): Promise<void> {
  const asked = steps.some(({ solution }) => solution.some(({ command }) => /\bping\b/.test(command)));
  if (!asked || isInstalled('ping')) return;
  const applets = isInstalled('busybox') ? (await readProgram(['busybox', '--list'])).stdout : '';
  if (!applets.split('\n').includes('ping')) requireTool('ping');
}

/** Holds a lock until the keeper runs. The keeper shows other processes that this lab exists. */
function startKeeper(
  paths: Paths,
  lesson: Lesson,
  { id, progress, bound = false }: StartOptions,
): { keeper: ChildProcess; log: number } {
  const dir = labDir(paths, id);
  const lock = waitLock(join(labsDir(paths), '.lock'));
  try {
    if (hasKeeper(dir)) throw alreadyRuns(id);
    clearDead(paths);
    rmSync(`${dir}.reset`, { force: true });
    const groups = labGroups(groupName(id));
    ensurePrivateDir(join(dir, 'mnt'));
    writeFileSync(join(dir, 'groups'), groups.map(({ shells }) => shells).join('\n'));
    createLabGroups(groupName(id), groups, LAB_IDS.first);
    writeFileSync(join(dir, 'stage.sh'), STAGE);
    writeFileSync(join(dir, 'enter.sh'), ENTER);
    writeFileSync(join(dir, 'host.sh'), HOST);
    writeFileSync(join(dir, 'setup.sh'), `:\n${lesson.setup.join('\n')}\n`);
    writeFileSync(progress, '', { flag: 'a' });
    // Readable by the lab's root, which is an unprivileged user here; only the machine's root may enter the directory
    // above.
    chmodSync(progress, 0o644);
    const log = openSync(join(dir, 'log'), 'w+');
    // The write end stays open as long as this process lives.
    leaveKeys();
    const lifeline = bound ? kernel.pipe() : undefined;
    const keeper = startProcess(
      'bash',
      ['-uc', KEEPER, 'minidock-lab', dir, ...groups.map(({ directory }) => directory)],
      {
        cwd: '/',
        detached: true,
        stdio: [lifeline?.read ?? 'ignore', 'pipe', log],
        env: { ...hostEnvironment(dir, lesson, progress, groups), BOUND: bound ? 'yes' : '' },
      },
    );
    if (lifeline !== undefined) closeSync(lifeline.read);
    writeFileSync(join(dir, 'keeper'), String(keeper.pid ?? ''));
    awaitWords(dir);
    return { keeper, log };
  } catch (error) {
    clearDead(paths);
    if (error instanceof MinidockError) throw error;
    throw failed(lesson.name, (error as Error).message);
  } finally {
    lock.release();
  }
}

/** Right after execve a process has an empty command line in /proc, and would pass for a dead keeper. */
function awaitWords(dir: string): void {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (let wait = 0; wait < 100 && !hasKeeper(dir); wait++) Atomics.wait(nothing, 0, 0, 5);
}

/** Under the lock, so none of them is starting. */
function clearDead(paths: Paths): void {
  for (const dir of deadLabs(paths)) {
    removeLabGroups(groupsOf(dir));
    removeTree(dir);
  }
}

export function removeDeadLabs(paths: Paths): void {
  const lock = waitLock(join(labsDir(paths), '.lock'));
  try {
    clearDead(paths);
  } finally {
    lock.release();
  }
}

/** Closes the pipe once `ready` came, or at its end. */
function saysReady(stream: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    stream.on('data', (data: Buffer) => {
      if (!data.toString().includes('ready')) return;
      stream.destroy();
      resolve(true);
    });
    stream.on('close', () => resolve(false));
  });
}

function hostEnvironment(
  dir: string,
  lesson: Lesson,
  progress: string,
  groups: readonly LabGroup[],
): NodeJS.ProcessEnv {
  return {
    ...keptEnvironment(),
    DIR: dir,
    LESSON: lesson.name,
    MINIDOCK: process.execPath,
    PROGRESS: progress,
    STEPS: ` ${lesson.steps.map(({ id }) => id).join(' ')} `,
    IDS: `${String(LAB_IDS.first)} ${String(LAB_IDS.count)}`,
    GROUPS_AT: groups.map(({ mount, directory }) => `${mount} ${directory}`).join('\n'),
    RC,
  };
}

const groupName = (id: string): string => `${id}-${String(process.pid)}`;

/** Kills PID 1 and with it all processes of the lab; returns when the keeper has cleaned up. */
export async function endLab(lab: RunningLab): Promise<void> {
  const groups = groupsOf(lab.dir);
  signalTo(lab.pid, 'SIGKILL');
  await gone(lab.keeper, () => {
    thaw(groups);
  });
}

/**
 * From inside: asks PID 1 to exit, since no signal from inside can kill it. All processes of the lab die with it,
 * this one too.
 */
export async function endFromInside(anew: boolean): Promise<never> {
  process.kill(1, anew ? 'SIGUSR1' : 'SIGTERM');
  // Our parent must find the lab gone.
  for (;;) await delay(1000);
}

/** Whether `reset` was typed inside; takes the request. */
export function takeReset(paths: Paths, id: string): boolean {
  const mark = `${labDir(paths, id)}.reset`;
  const asked = existsSync(mark);
  rmSync(mark, { force: true });
  return asked;
}

async function gone(pid: number, meanwhile = (): void => undefined): Promise<void> {
  for (let wait = 0; wait < 1000; wait++) {
    if (wait % 10 === 0) meanwhile();
    try {
      process.kill(pid, 0);
      if (/^State:\tZ/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))) return;
    } catch {
      return;
    }
    await delay(10);
  }
}

/** Reads the descriptor: the keeper has removed the file by now. */
function readLog(fd: number): string {
  const text = Buffer.alloc(4096);
  return text.toString('utf8', 0, readSync(fd, text, 0, text.length, 0)).trim();
}

const alreadyRuns = (id: string): MinidockError =>
  new MinidockError({
    code: 'LAB_RUNNING',
    message: `the lab ${id} is running already`,
    hint:
      `"minidock lab enter ${id}" opens another shell in it, "minidock lab reset ${id}" starts it again, "minidock ` +
      `lab end ${id}" ends it.`,
  });

const failed = (name: string, words: string): MinidockError => {
  const hint = HINTS.find(([pattern]) => pattern.test(words))?.[1];
  return new MinidockError({
    code: 'LAB_FAILED',
    message: `cannot start the lab ${name}: ${words === '' ? 'its PID 1 ended at once' : words}`,
    ...(hint === undefined ? {} : { hint }),
  });
};

/** The kernel's messages mislead here. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /unshare failed: No space left on device/,
    'No disk is full: the limit of namespaces is reached. Raise user.max_user_namespaces and the other limits that ' +
      '"sysctl user" prints.',
  ],
  [
    /EINVAL.*chown/,
    `The user namespace of minidock lacks the ids of a lab, from ${String(LAB_IDS.first)} on (/proc/self/uid_map): ` +
      'start minidock as root of the machine.',
  ],
];
