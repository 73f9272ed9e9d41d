/** What another user of the machine prepares where root keeps or writes things; and what a lab reaches of the machine. */
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { CannotRun, type AttackCase, type Stage } from '../case.ts';

/** Nobody that /etc/passwd knows. */
const MALLORY = 54_321;
let count = 0;

function newDirectory({ dir }: Stage, mode = 0o755): string {
  const path = join(dir, `place-${String(count++)}`);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

/** A container with this run directory, in which `leases` leads to the attacker's: whether its address is noted there. */
async function writesThrough(stage: Stage, runDir: string): Promise<string | undefined> {
  const target = newDirectory(stage);
  rmSync(join(runDir, 'leases'), { recursive: true, force: true });
  symlinkSync(target, join(runDir, 'leases'));
  const image = await stage.image({ files: {} });
  const env = { MINIDOCK_RUN: runDir };
  const flags = ['-d', '--name', 'placed'];
  const { exitCode, stderr } = await stage.run([stage.binary, 'run', ...flags, image, '/bin/sleep', '600'], {
    env,
  });
  const written = readdirSync(target);
  await stage.run([stage.binary, 'rm', '-f', 'placed'], { env });
  if (written.length > 0) return `the container’s address is noted in ${target}: ${written.join(', ')}`;
  return refusal(exitCode, stderr, 'cannot keep the state of containers in');
}

function refusal(exitCode: number, stderr: string, words: string): undefined {
  if (exitCode !== 0 && stderr.includes(words)) return undefined;
  throw new Error(`neither written nor refused: status ${String(exitCode)}, ${stderr}`);
}

const placeCases: readonly AttackCase[] = [
  {
    name: 'run-directory-of-another-user',
    story: 'MINIDOCK_RUN belongs to another user, who has put a link in the place of its leases.',
    short: true,
    attack: (stage) => {
      const runDir = newDirectory(stage);
      chownSync(runDir, MALLORY, MALLORY);
      return writesThrough(stage, runDir);
    },
  },
  {
    name: 'run-directory-open-to-all',
    story: 'Anyone may write to MINIDOCK_RUN, as to /tmp, and someone has put a link in it.',
    attack: (stage) => writesThrough(stage, newDirectory(stage, 0o1777)),
  },
  {
    name: 'run-directory-that-can-be-exchanged',
    story: 'MINIDOCK_RUN is root’s, but what it is in belongs to another user, who renames it.',
    attack: (stage) => {
      const above = newDirectory(stage);
      const runDir = join(above, 'run');
      mkdirSync(runDir, { mode: 0o755 });
      chownSync(above, MALLORY, MALLORY);
      return writesThrough(stage, runDir);
    },
  },
  {
    name: 'planted-link-in-run-directory',
    story: 'The link was put there before MINIDOCK_RUN was given back to root.',
    attack: (stage) => writesThrough(stage, newDirectory(stage)),
  },
];

/** Whether a traced command adds to a file of root's through a name of the attacker's. */
function traceCase(name: string, story: string, prepare: (secret: string, path: string) => void): AttackCase {
  return {
    name,
    story,
    async attack(stage) {
      const secret = stage.secret();
      const path = join(newDirectory(stage, 0o1777), 'trace.json');
      prepare(secret.path, path);
      const { stderr } = await stage.run([stage.binary, 'ps'], { env: { MINIDOCK_TRACE: path } });
      if (secret.changed()) return 'the timeline was added to a file of root’s';
      if (stderr.includes('MINIDOCK_TRACE')) return undefined;
      throw new Error('neither written nor refused');
    },
  };
}

const fileCases: readonly AttackCase[] = [
  traceCase('trace-through-a-link', 'MINIDOCK_TRACE is a link to a file of root’s.', symlinkSync),
  traceCase('trace-through-a-hard-link', 'MINIDOCK_TRACE is a second name of a file of root’s.', linkSync),
  {
    name: 'trace-in-a-foreign-file',
    story: 'MINIDOCK_TRACE is a file that another user has made, to read the arguments of root’s commands.',
    async attack(stage) {
      const path = join(newDirectory(stage, 0o1777), 'trace.json');
      await stage.run(['install', '-m', '644', '-o', String(MALLORY), '/dev/null', path]);
      await stage.run([stage.binary, 'ps'], { env: { MINIDOCK_TRACE: path } });
      return readFileSync(path, 'utf8') === '' ? undefined : 'the timeline is in a file of the attacker’s';
    },
  },
  {
    name: 'save-over-a-device',
    story: 'The name that an archive is saved to is a device: /dev/null would be a file afterwards.',
    async attack(stage) {
      const path = join(newDirectory(stage), 'null');
      await stage.run(['mknod', path, 'c', '1', '3']);
      await stage.minidock('save', '-o', path, await stage.image({ files: {} }));
      return lstatSync(path).isCharacterDevice() ? undefined : 'the device was replaced by a file';
    },
  },
  {
    name: 'passwd-without-end',
    story: 'The passwd file of an image has 78 MB, which PID 1 reads within the memory of the container.',
    async attack(stage) {
      const image = await stage.image({
        files: { '/etc/passwd': 'user:x:1000:1000::/:\n'.repeat(3_700_000) },
      });
      const limits = ['-m', '64m', '--memory-swap', '64m'];
      const { exitCode, stderr } = await stage.use('run', image, limits, ['/bin/true']);
      return exitCode === 0 ? undefined : `PID 1 did not get to its program: ${stderr}`;
    },
  },
];

/** In a lab, which ends whatever happens. */
async function inLab<T>(stage: Stage, act: () => Promise<T>): Promise<T> {
  const { exitCode, stderr } = await stage.minidock('lab', 'start', 'cable');
  if (exitCode !== 0) throw new Error(`the lab could not be made: ${stderr}`);
  try {
    return await act();
  } finally {
    await stage.minidock('lab', 'end', 'cable');
  }
}

const VSOCK = 'socket(my $fd, 40, 1, 0) or die "refused\\n"; print "open\\n"';

const labCases: readonly AttackCase[] = [
  {
    name: 'lab-to-the-hypervisor',
    story:
      'A program in a lab makes a socket of AF_VSOCK, which leads to the hypervisor whatever the namespace.',
    async attack(stage) {
      const onHost = await stage.run(['perl', '-e', VSOCK]);
      if (onHost.exitCode !== 0) throw new CannotRun('this machine has no AF_VSOCK, or no perl');
      return await inLab(stage, async () => {
        const { stdout, stderr } = await stage.minidock('lab', 'enter', 'cable', '--', 'perl', '-e', VSOCK);
        if (stdout.includes('open')) return 'the socket is open';
        if (stderr.includes('refused')) return undefined;
        throw new Error(`neither open nor refused: ${stderr}`);
      });
    },
  },
  {
    name: 'lab-floods-the-host',
    story:
      'A lab writes without end to the pipe that the host’s root reads, and keeps that busy outside of its limits.',
    attack: (stage) =>
      inLab(stage, () => {
        const keeper = readFileSync(join(stage.host.runDir, 'lab/cable/keeper'), 'utf8');
        const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim().split(' ');
        const outside = children.filter(
          (pid) =>
            existsSync(`/proc/${pid}`) &&
            !readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes('/minidock-lab/'),
        );
        return Promise.resolve(
          outside.length === 0
            ? undefined
            : `process ${outside.join(', ')} reads it outside of the lab’s groups`,
        );
      }),
  },
];

export const placesCases: readonly AttackCase[] = [...placeCases, ...fileCases, ...labCases];
