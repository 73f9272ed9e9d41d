/** What two fresh attackers found when the first 160 attacks already held. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AttackCase, Stage, Way } from '../case.ts';
import { isRefusal, probeContainer } from '../probe.ts';
import { link, volumes, type Files } from './shared.ts';

const DIRECTORIES = 20;
const FILES = 100;
const MANY: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: DIRECTORIES * FILES }, (_, n) => [
    `/x/d${String(n % DIRECTORIES)}/file-${String(n)}`,
    'of the attacker',
  ]),
);

/** Turns each directory of the volume that appears into a link to a directory of the host. */
const exchange = (target: string): string =>
  `cd /x; while [ ! -e stop ]; do for d in d*; do ` +
  `[ -d "$d" ] && [ ! -L "$d" ] && mv "$d" "o-$d-$$" && ln -s ${target} "$d"; done; done`;

async function joinWhileFilled(stage: Stage): Promise<string | undefined> {
  const target = join(stage.dir, 'of-the-host');
  mkdirSync(target);
  const image = await stage.image({ files: MANY });
  const filling = stage.minidock('run', '--rm', '-v', 'joined:/x', image, '/bin/true');
  await stage.host.waitFor(
    () => existsSync(join(stage.host.root, 'volumes/joined')),
    'the volume to be there',
  );
  const joined = await stage.minidock(
    ...['run', '-d', '-v', 'joined:/x', image, '/bin/sh', '-c', exchange(target)],
  );
  if (joined.exitCode !== 0) throw new Error(joined.stderr);
  const filled = await filling;
  const found = readdirSync(target).length;
  if (found > 0) return `${String(found)} files of the image were written to the host`;
  if (filled.exitCode !== 0 && !isRefusal(filled)) throw new Error(filled.stderr);
  return undefined;
}

async function deviceBelowSharedMount(stage: Stage): Promise<string | undefined> {
  const shared = join(stage.dir, 'shared');
  mkdirSync(join(shared, 'sub'), { recursive: true });
  await stage.run(['mount', '-t', 'tmpfs', 'none', join(shared, 'sub')]);
  const image = await stage.image({ files: link('/opt', '/srv/sub') });
  const flags = ['-v', `${shared}:/srv`, '--device', '/dev/null:/opt/device'];
  const result = await stage.minidock('run', '--rm', ...flags, image, '/bin/true');
  // An empty file to mount on is what -v makes there, too.
  const { stdout } = await stage.run([
    'find',
    join(shared, 'sub'),
    '-mindepth',
    '1',
    '(',
    '!',
    '-type',
    'f',
    '-o',
    '-size',
    '+0',
    ')',
  ]);
  await stage.run(['umount', join(shared, 'sub')]);
  if (stdout.trim() !== '') return `made in the host's directory: ${stdout.trim()}`;
  if (result.exitCode === 0 || isRefusal(result)) return undefined;
  throw new Error(result.stderr);
}

/** By links, or by `..`, into /proc; the mounts below /sys are taken away where they would be in the way. */
const PLACES_IN_SYS: readonly { readonly files: Files; readonly volumes: readonly string[] }[] = [
  { files: {}, volumes: ['/sys/../proc/sysvipc'] },
  { files: link('/sys', '/proc/tty'), volumes: ['/sys', '/sys/fs/cgroup'] },
];

async function coverByWayOfSys(stage: Stage, way: Way): Promise<string | undefined> {
  for (const place of PLACES_IN_SYS) {
    const files = { ...place.files, '/proc': { dir: 0o755 } } as const;
    const image = await stage.image({ files, config: volumes(...place.volumes) });
    const result = await stage.use(way, image, [], ['/bin/cat', '/proc/self/mountinfo']);
    const points = result.stdout.split('\n').filter((line) => line.includes('/volumes/'));
    const covered = points
      .map((line) => line.split(' ')[4] ?? '')
      .find((point) => point.startsWith('/proc/'));
    if (covered !== undefined) return `a volume lies on ${covered}`;
    if (result.exitCode !== 0 && !isRefusal(result)) throw new Error(result.stderr);
  }
  return undefined;
}

export const joinedCases: readonly AttackCase[] = [
  {
    name: 'volume-joined-while-it-is-filled',
    story: 'A program in a volume that the image is still being copied to puts links in the way of cp(1).',
    cves: ['CVE-2018-15664'],
    short: true,
    attack: joinWhileFilled,
  },
  {
    name: 'spill-device-below-a-shared-mount',
    story: '--device at /opt/device, where /opt is a link to what is mounted below a shared directory.',
    attack: deviceBelowSharedMount,
  },
  {
    name: 'script-volume-with-a-colon',
    story:
      'VOLUME /a:/sys/b reads like an exception to the script’s look at the file system, and leads to /proc.',
    cves: ['CVE-2019-16884'],
    ways: ['run', 'script'],
    attack: async (stage, way) => {
      const files = { ...link('/a:/sys/b', '/proc/1/ns'), '/proc/1/ns/x': '' };
      const image = await stage.image({ files, config: volumes('/a:/sys/b') });
      return await probeContainer(stage, way, image, []);
    },
  },
  {
    name: 'script-volume-by-way-of-sys',
    story: 'VOLUME /sys/../proc/x, or /sys that is a link: the script lets pass what begins with /sys.',
    cves: ['CVE-2019-16884', 'CVE-2019-19921'],
    ways: ['script', 'run', 'create'],
    attack: coverByWayOfSys,
  },
];
