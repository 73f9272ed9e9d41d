/** The program, its directory and its user, which an image names: places and files that are not what they seem. */
import { existsSync } from 'node:fs';
import { CannotRun, type AttackCase, type Stage, type Way } from '../case.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { isRefusal } from '../probe.ts';
import { link, type Files } from './shared.ts';

interface UserFile {
  readonly name: string;
  readonly story: string;
  readonly files: Files;
  readonly guard?: boolean;
  readonly short?: boolean;
}

/** Seconds that a container may take to start or to refuse. */
const SOON = 6;

const USER_FILES: readonly UserFile[] = [
  {
    name: 'passwd-is-the-kernel-log',
    story:
      '/etc/passwd is a link to /proc/kmsg: PID 1 takes the machine’s messages and waits for more for ever.',
    files: link('/etc/passwd', '/proc/kmsg'),
    short: true,
  },
  {
    name: 'group-is-the-kernel-log',
    story:
      '/etc/group is a link to /proc/kmsg: PID 1 takes the machine’s messages and waits for more for ever.',
    files: link('/etc/group', '/proc/kmsg'),
  },
  {
    name: 'passwd-is-a-fifo',
    story: '/etc/passwd is a FIFO that nobody writes to.',
    files: { '/etc/passwd': { fifo: 0o644 } },
    guard: true,
  },
  {
    name: 'passwd-is-a-device',
    story: '/etc/passwd is a device that never ends.',
    files: { '/etc/passwd': { device: 'c', major: 1, minor: 5 } },
    guard: true,
  },
  {
    name: 'passwd-is-kcore',
    story: '/etc/passwd is a link to the machine’s memory.',
    files: link('/etc/passwd', '/proc/kcore'),
    guard: true,
  },
  {
    name: 'passwd-is-a-directory',
    story: '/etc/passwd is a directory.',
    files: { '/etc/passwd': { dir: 0o755 } },
    guard: true,
  },
];

/** timeout(1) ends by the signal that it sends. */
const late = ({ exitCode }: RunResult): string | undefined =>
  exitCode === -1 || exitCode === 137 ? `nothing has started after ${String(SOON)} s` : undefined;

async function startsSoon(stage: Stage, way: Way, { files }: UserFile): Promise<string | undefined> {
  if (!existsSync('/proc/kmsg')) throw new CannotRun('this kernel has no /proc/kmsg');
  const limit = ['timeout', '-s', 'KILL', String(SOON * stage.patience), stage.binary];
  if (way === 'exec') {
    const id = await runWithPlanted(stage, files);
    return late(await stage.run([...limit, 'exec', '-u', 'nobody', id, '/bin/true']));
  }
  const image = await stage.image({ files });
  const flags = way === 'privileged' ? ['--privileged'] : [];
  const result = await stage.run([...limit, 'run', '--rm', ...flags, '-u', 'nobody', image, '/bin/true']);
  const evidence = late(result);
  if (evidence === undefined && result.exitCode !== 0 && !isRefusal(result)) throw new Error(result.stderr);
  return evidence;
}

/** A container that puts the files into place itself, once it runs; its id. */
async function runWithPlanted(stage: Stage, files: Files): Promise<string> {
  const planted = Object.entries(files).map(
    ([path, file]) => [path.replace('/etc/', '/planted/'), file] as const,
  );
  const image = await stage.image({ files: Object.fromEntries(planted) });
  const script = 'mkdir -p /etc; mv /planted/* /etc/; echo planted; exec sleep 600';
  const started = await stage.minidock('run', '-d', image, '/bin/sh', '-c', script);
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const id = started.stdout.trim();
  await stage.host.waitFor(
    async () => (await stage.minidock('logs', id)).stdout.includes('planted'),
    'the files',
  );
  return id;
}

const userFileCase = (file: UserFile): AttackCase => ({
  name: `user-${file.name}`,
  story: file.story,
  ...(file.guard === true ? { guard: true } : {}),
  ...(file.short === true ? { short: true } : {}),
  ways: ['run', 'exec', 'privileged'],
  attack: async (stage, way) => await startsSoon(stage, way, file),
});

/** From where the program finds itself, up as far as there are directories, and down to the host's file. */
const CLIMB = (secret: string): string => `
for up in . .. ../../../../../../../..; do cat "$up${secret}" 2>/dev/null; done
echo END`;

interface Directory {
  readonly name: string;
  readonly story: string;
  readonly workdirs: readonly string[];
  readonly files?: Files;
  readonly inImage?: boolean;
}

const DESCRIPTORS = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 255];

const DIRECTORIES: readonly Directory[] = [
  {
    name: 'descriptor',
    story: 'WORKDIR /proc/self/fd/N is a directory of the host’s that PID 1 has left open.',
    workdirs: DESCRIPTORS.map((number) => `/proc/self/fd/${String(number)}`),
    inImage: true,
  },
  {
    name: 'descriptor-asked-for',
    story: '-w /proc/self/fd/N is a directory of the host’s that the process has left open.',
    workdirs: DESCRIPTORS.map((number) => `/proc/self/fd/${String(number)}`),
  },
  {
    name: 'descriptor-by-link',
    story: 'WORKDIR /work, where /work leads to /proc/self/fd/N.',
    workdirs: DESCRIPTORS.map((number) => `/work/${String(number)}`),
    files: link('/work', '/proc/self/fd'),
    inImage: true,
  },
  {
    name: 'magic-links',
    story: 'The working directory goes by /proc/self/cwd and /proc/self/root and above them.',
    workdirs: ['/proc/self/cwd/../../..', '/proc/self/root/..', '/proc/1/root/../..', '/proc/self/cwd'],
  },
];

async function climb(stage: Stage, way: Way, directory: Directory): Promise<string | undefined> {
  const secret = stage.secret();
  const image = await stage.image({ files: directory.files ?? {} });
  const command = ['/bin/sh', '-c', CLIMB(secret.path)];
  let reached = 0;
  for (const workdir of directory.workdirs) {
    const named =
      directory.inImage === true
        ? await stage.image({ files: directory.files ?? {}, config: { WorkingDir: workdir } })
        : image;
    const flags = directory.inImage === true ? [] : ['-w', workdir];
    const result = await stage.use(way, named, flags, command);
    if (result.stdout.includes(secret.text)) return `the host's file was read from ${workdir}`;
    if (result.stdout.includes('END') || result.exitCode >= 125) reached++;
  }
  if (reached < directory.workdirs.length) throw new Error('not every directory could be tried');
  return undefined;
}

const directoryCase = (directory: Directory): AttackCase => ({
  name: `workdir-${directory.name}`,
  story: directory.story,
  cves: ['CVE-2024-21626', 'CVE-2024-45310'],
  guard: true,
  ways: ['run', 'exec', 'script'],
  attack: async (stage, way) => await climb(stage, way, directory),
});

/** What the JavaScript engine looks at by name, where an image with a VOLUME /sys has something else. */
const PROCESSORS = '/sys/devices/system/cpu/online';

async function askForProcessors(stage: Stage, way: Way): Promise<string | undefined> {
  const waiting = { fifo: 0o666 } as const;
  // For exec the container puts it there once it runs.
  const files: Files =
    way === 'exec' ? { '/sys/planted': waiting, [PROCESSORS]: '0-1\n' } : { [PROCESSORS]: waiting };
  const image = await stage.image({ files, config: { Volumes: { '/sys': {} } } });
  const limit = ['timeout', '-s', 'KILL', String(SOON * stage.patience), stage.binary];
  if (way !== 'exec') return late(await stage.run([...limit, 'run', '--rm', image, '/bin/true']));
  const script = `mv /sys/planted ${PROCESSORS}; echo planted; exec sleep 600`;
  const { stdout, stderr } = await stage.minidock('run', '-d', image, '/bin/sh', '-c', script);
  const id = stdout.trim();
  if (id === '') throw new Error(stderr);
  const planted = async (): Promise<boolean> => (await stage.minidock('logs', id)).stdout.includes('planted');
  await stage.host.waitFor(planted, 'the FIFO');
  return late(await stage.run([...limit, 'exec', id, '/bin/true']));
}

const processorsCase: AttackCase = {
  name: 'engine-asks-for-processors',
  story:
    'VOLUME /sys brings a FIFO where the runtime’s own engine reads how many processors there are, and waits for ever.',
  ways: ['run', 'exec'],
  short: true,
  attack: askForProcessors,
};

export const processCases: readonly AttackCase[] = [
  processorsCase,
  ...USER_FILES.map(userFileCase),
  ...DIRECTORIES.map(directoryCase),
];
