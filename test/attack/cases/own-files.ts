/** What minidock itself brings: /etc/hosts and its like, the init, device nodes, mounts below /dev. An image leads them away. */
import { lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { AttackCase, HostileFile, Stage, Way } from '../case.ts';
import { isRefusal, probeContainer } from '../probe.ts';
import { link, volumes, type Files } from './shared.ts';

const ALL_WAYS: readonly Way[] = ['run', 'create', 'exec', 'script', 'privileged'];

interface Led {
  readonly name: string;
  readonly story: string;
  readonly files: Files;
  readonly flags?: readonly string[];
  readonly volumes?: readonly string[];
  readonly short?: boolean;
  readonly guard?: boolean;
  readonly ways?: readonly Way[];
  readonly cves?: readonly string[];
}

const INTO_THE_KERNELS_FILES: readonly Led[] = [
  {
    name: 'hosts-over-core-pattern',
    story:
      '/etc/hosts of the image is a link to /proc/sys/kernel/core_pattern, and minidock mounts its own there.',
    files: link('/etc/hosts', '/proc/sys/kernel/core_pattern'),
    short: true,
  },
  {
    name: 'hosts-over-mountinfo',
    story: '/etc/hosts of the image is a link to /proc/self/mountinfo, which lists the mounts.',
    files: link('/etc/hosts', '/proc/1/mountinfo'),
  },
  {
    name: 'hostname-over-uid-map',
    story: '/etc/hostname of the image is a link to /proc/self/uid_map.',
    files: link('/etc/hostname', '/proc/self/uid_map'),
  },
  {
    name: 'resolv-conf-over-attr',
    story:
      '/etc/resolv.conf of the image is a link to the file in /proc/self that names the AppArmor profile.',
    files: link('/etc/resolv.conf', '/proc/self/attr/exec'),
    cves: ['CVE-2019-16884'],
  },
  {
    name: 'resolv-conf-over-cmdline',
    story: '/etc/resolv.conf of the image is a chain of links to /proc/cmdline.',
    files: {
      ...link('/etc/resolv.conf', '../run/resolv.conf'),
      ...link('/run/resolv.conf', '/proc/cmdline'),
    },
  },
  {
    name: 'hosts-over-sysfs',
    story: '/etc/hosts of the image is a link into /sys/kernel.',
    files: link('/etc/hosts', '/sys/kernel/uevent_seqnum'),
  },
  {
    name: 'etc-hosts-by-directory',
    story: '/etc of the image is a link to a directory in which hosts leads to /proc/sys/kernel/hostname.',
    files: { ...link('/etc', '/srv'), ...link('/srv/hosts', '/proc/sys/kernel/hostname') },
  },
  {
    name: 'init-over-core-pattern',
    story: '/sbin/docker-init of the image is a link to /proc/sys/kernel/core_pattern.',
    files: link('/sbin/docker-init', '/proc/sys/kernel/core_pattern'),
    ways: ['init'],
    short: true,
  },
  {
    name: 'init-over-uid-map',
    story: '/sbin of the image is a link to a directory in which docker-init leads to /proc/self/gid_map.',
    files: { ...link('/sbin', '/srv'), ...link('/srv/docker-init', '/proc/1/gid_map') },
    ways: ['init'],
  },
  {
    name: 'mqueue-over-sysctls',
    story: 'VOLUME /dev takes the tmpfs away, and /dev/mqueue of the image is a link to /proc/sys/fs.',
    files: link('/dev/mqueue', '/proc/sys/fs'),
    volumes: ['/dev'],
  },
  {
    name: 'shm-over-tty',
    story: 'VOLUME /dev takes the tmpfs away, and /dev/shm of the image is a link to /proc/tty.',
    files: link('/dev/shm', '/proc/tty'),
    volumes: ['/dev'],
  },
  {
    name: 'pts-over-driver',
    story: 'VOLUME /dev takes the tmpfs away, and /dev/pts of the image is a link to /proc/self/ns.',
    files: link('/dev/pts', '/proc/self/ns'),
    volumes: ['/dev'],
  },
  {
    name: 'dev-volume-without-null',
    story: 'VOLUME /dev leaves no /dev/null to mask with, so /proc/keys and its like stay readable.',
    files: { '/dev/x': '' },
    volumes: ['/dev'],
    ways: ['run', 'create', 'exec', 'script'],
    short: true,
    cves: ['CVE-2025-31133'],
  },
  {
    name: 'dev-named-volume-without-null',
    story: 'A volume of the victim’s at /dev leaves no /dev/null to mask with.',
    files: {},
    flags: ['-v', 'devices:/dev'],
    ways: ['run', 'create', 'exec', 'script'],
    cves: ['CVE-2025-31133'],
  },
  {
    name: 'dev-volume-with-dangling-null',
    story: 'VOLUME /dev brings a /dev/null that is a link to nowhere, so masks find no source.',
    files: link('/dev/null', '/nowhere'),
    guard: true,
    volumes: ['/dev'],
    ways: ['run', 'create', 'exec', 'script'],
    cves: ['CVE-2025-31133'],
  },
];

const ledCase = (led: Led): AttackCase => ({
  name: `own-${led.name}`,
  story: led.story,
  ...(led.cves === undefined ? {} : { cves: led.cves }),
  ...(led.short === true ? { short: true } : {}),
  ...(led.guard === true ? { guard: true } : {}),
  ways: led.ways ?? ALL_WAYS,
  attack: async (stage, way) => {
    const image = await stage.image({ files: led.files, config: volumes(...(led.volumes ?? [])) });
    return await probeContainer(stage, way, image, led.flags ?? []);
  },
});

/** What minidock makes for the container must not be made in a directory that the victim shares. */
interface Spill {
  readonly name: string;
  readonly story: string;
  readonly files: Readonly<Record<string, HostileFile>>;
  readonly flags?: readonly string[];
  readonly ways?: readonly Way[];
}

const SPILLS: readonly Spill[] = [
  {
    name: 'device-nodes',
    story: '/dev is a link to a directory that the victim shares: device nodes are made on the host.',
    files: link('/dev', '/data'),
    ways: ['run', 'create', 'exec', 'privileged', 'script'],
  },
  {
    name: 'asked-device',
    story: '--device at /opt/device, where /opt is a link to a directory that the victim shares.',
    files: link('/opt', '/data'),
    flags: ['--device', '/dev/null:/opt/device'],
    ways: ['run', 'create', 'exec'],
  },
];

async function spilt(stage: Stage, way: Way, spill: Spill): Promise<string | undefined> {
  const shared = join(stage.dir, 'shared');
  mkdirSync(shared, { recursive: true });
  const image = await stage.image({ files: spill.files });
  const flags = ['-v', `${shared}:/data`, ...(spill.flags ?? [])];
  const result = await stage.use(way, image, flags, ['/bin/true']);
  // An empty file to mount on is what -v makes there, too.
  const found = readdirSync(shared).filter((name) => !isEmptyFile(lstatSync(join(shared, name))));
  if (found.length > 0) return `made in the host's directory: ${found.join(' ')}`;
  if (result.exitCode === 0 || isRefusal(result)) return undefined;
  throw new Error(result.stderr);
}

const isEmptyFile = (stats: Stats): boolean => stats.isFile() && stats.size === 0;

const spillCase = (spill: Spill): AttackCase => ({
  name: `spill-${spill.name}`,
  story: spill.story,
  ways: spill.ways ?? ['run'],
  attack: async (stage, way) => await spilt(stage, way, spill),
});

/** The console of a terminal is shown at /dev/console, which a VOLUME over /dev may lead anywhere. */
const consoleCase: AttackCase = {
  name: 'own-console-over-core-pattern',
  story:
    'VOLUME /dev brings a /dev/console that leads to /proc/sys/kernel/core_pattern, and the victim says -t.',
  cves: ['CVE-2025-52565'],
  guard: true,
  attack: async (stage) => {
    const image = await stage.image({
      files: {
        ...link('/dev/console', '/proc/sys/kernel/core_pattern'),
        '/dev/null': { device: 'c', major: 1, minor: 3 },
        '/dev/pts': { dir: 0o755 },
      },
      config: volumes('/dev'),
    });
    const line = `${stage.binary} run --rm -t ${image} cat /proc/mounts`;
    const { stdout } = await stage.run(['script', '-qec', line, '/dev/null']);
    const covered = stdout.split('\n').find((text) => text.includes('/proc/sys/kernel/core_pattern'));
    if (covered !== undefined) return `the terminal covers it: ${covered}`;
    if (/minidock:.* step |overlay \/ /.test(stdout)) return undefined;
    throw new Error(stdout);
  },
};

export const ownFileCases: readonly AttackCase[] = [
  ...INTO_THE_KERNELS_FILES.map(ledCase),
  ...SPILLS.map(spillCase),
  consoleCase,
];
