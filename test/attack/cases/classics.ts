/** The ways out of containers that are known from elsewhere: what a program in a plain container tries. All held before. */
import { statSync } from 'node:fs';
import { splitDevice } from '../../../runtime/rootfs/host-devices.ts';
import type { AttackCase, HostileImage, Secret, Stage, Way } from '../case.ts';
import { isRefusal } from '../probe.ts';
import { link, volumes } from './shared.ts';

interface Classic {
  readonly name: string;
  readonly story: string;
  readonly cves?: readonly string[];
  readonly flags?: readonly string[];
  readonly ways?: readonly Way[];
  readonly image?: HostileImage | ((stage: Stage, secret: Secret) => HostileImage);
  /** Prints a line with GOT where it succeeds. */
  script(stage: Stage, secret: Secret): string;
}

/** The disk that holds the host's files, as mknod(1) takes it. */
function diskOf(path: string): string {
  const { major, minor } = splitDevice(statSync(path).dev);
  return `b ${String(major)} ${String(minor)}`;
}

const CLASSICS: readonly Classic[] = [
  {
    name: 'release-agent',
    story: 'A cgroup hierarchy is mounted anew, and its release_agent names a program for the host to run.',
    cves: ['CVE-2022-0492'],
    script: () =>
      'mkdir -p /tmp/c; for kind in "cgroup -o rdma" "cgroup -o memory" cgroup2; do mount -t $kind cgroup /tmp/c 2>/dev/null && echo "GOT a mount of $kind"; done; ' +
      'for file in $(find /sys/fs/cgroup -name release_agent -o -name memory.max -o -name memory.limit_in_bytes); do (: >>$file) 2>/dev/null && echo "GOT $file, writable"; done',
  },
  {
    name: 'release-agent-in-a-user-namespace',
    story: 'The same from a user namespace, in which the program would have all capabilities.',
    cves: ['CVE-2022-0492'],
    script: () =>
      'unshare -Urm true 2>/dev/null && echo "GOT a user namespace"; unshare -C true 2>/dev/null && echo "GOT a cgroup namespace"',
  },
  {
    name: 'disk-by-mknod',
    story: 'A node for the host’s disk is made and read.',
    script: ({ dir }) =>
      `mknod /tmp/disk ${diskOf(dir)} && head -c 1 /tmp/disk >/dev/null 2>&1 && echo "GOT the disk"`,
  },
  {
    name: 'disk-from-the-image',
    story: 'The image brings a node for the host’s disk, in a VOLUME.',
    image: ({ dir }) => ({
      files: { '/data/disk': { device: 'b', ...splitDevice(statSync(dir).dev) } },
      config: volumes('/data'),
    }),
    script: () => 'head -c 1 /data/disk >/dev/null 2>&1 && echo "GOT the disk"',
  },
  {
    name: 'unmask',
    story: 'Masks are unmounted, and /proc is mounted anew or made writable.',
    script: () =>
      'umount /proc/keys 2>/dev/null && echo "GOT a mask away"; mount -o remount,rw /proc/sys 2>/dev/null && echo "GOT /proc/sys writable"; ' +
      'mkdir -p /tmp/p; mount -t proc proc /tmp/p 2>/dev/null && echo "GOT another /proc"',
  },
  {
    name: 'uevent-helper',
    story: 'A program of the container is named for the kernel to run on the host.',
    script: () =>
      'for file in /sys/kernel/uevent_helper /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /sys/kernel/mm/ksm/run; do (: >>$file) 2>/dev/null && echo "GOT $file, writable"; done',
  },
  {
    name: 'init-of-the-host',
    story: 'Processes of the host are looked for in /proc and signalled.',
    script: () =>
      '[ "$(ls -d /proc/[0-9]* | wc -l)" -le 8 ] || echo "GOT other processes"; ls -d /proc/[0-9]* | grep -v "^/proc/[0-9][0-9]\\{0,1\\}$" && echo "GOT numbers of the host"',
  },
  {
    name: 'pid-1-leftovers',
    story: 'PID 1 is looked at for open files and an environment that it has from the host.',
    cves: ['CVE-2024-21626'],
    script: () =>
      'for fd in /proc/1/fd/*; do case $(readlink $fd) in "" | pipe:* | /dev/null | /proc/*) ;; *) echo "GOT $fd $(readlink $fd)" ;; esac; done; tr "\\0" "\\n" </proc/1/environ | grep -i minidock && echo "GOT an environment"',
  },
  {
    name: 'groups-and-inheritable',
    story: 'Groups of the victim’s and inheritable capabilities are looked for.',
    cves: ['CVE-2022-36109', 'CVE-2022-24769', 'CVE-2022-29162'],
    script: () =>
      'grep -q "^CapInh:.0000000000000000$" /proc/self/status || echo "GOT inheritable capabilities"; grep -Eq "^Groups:[[:space:]]*(0 *)?$" /proc/self/status || echo "GOT groups"',
  },
  {
    name: 'abstract-sockets',
    story: 'With the host’s network, abstract sockets of minidock’s own processes are looked for.',
    cves: ['CVE-2020-15257'],
    flags: ['--network', 'host'],
    script: () => 'grep -E "@.*(minidock|shim|init.sock)" /proc/net/unix && echo "GOT an abstract socket"',
  },
  {
    name: 'copied-link-to-a-file',
    story: 'A VOLUME is filled with a link to a file of the host, which the copy might follow.',
    cves: ['CVE-2018-15664', 'CVE-2019-14271'],
    image: (_, secret) => ({ files: link('/data/link', secret.path), config: volumes('/data') }),
    script: () => 'cat /data/link',
  },
  {
    name: 'copied-link-to-a-directory',
    story:
      'The VOLUME itself is a link to a directory of the host, which the copy might take for the image’s.',
    cves: ['CVE-2018-15664'],
    image: ({ dir }) => ({ files: link('/data', dir), config: volumes('/data') }),
    script: (_, secret) => `cat /data/${secret.path.split('/').at(-1) ?? ''} ${secret.path}`,
  },
  {
    name: 'proc-is-a-link',
    story: '/proc of the image is a link to a directory with files that would be taken for the kernel’s.',
    cves: ['CVE-2019-19921'],
    image: { files: { ...link('/proc', '/fake'), '/fake/self/attr/exec': '' } },
    script: () => '[ -e /fake/self/attr/exec ] && echo "GOT a false /proc"',
  },
  {
    name: 'sys-is-a-link',
    story: '/sys of the image is a link to /proc.',
    cves: ['CVE-2019-19921'],
    image: { files: link('/sys', '/proc') },
    script: () => '[ -L /sys ] && echo "GOT a false /sys"',
  },
  {
    name: 'volume-at-proc',
    story: 'VOLUME /proc, by its plain name.',
    cves: ['CVE-2019-19921'],
    image: { files: { '/proc/planted': '' }, config: volumes('/proc') },
    script: () => '[ -e /proc/planted ] && echo "GOT a false /proc"',
  },
  {
    name: 'volume-at-proc-sys',
    story: 'VOLUME /proc/sys/, by its plain name.',
    cves: ['CVE-2019-19921'],
    image: { files: { '/proc/sys/planted': '' }, config: volumes('/proc/sys/') },
    script: () => '[ -e /proc/sys/planted ] && echo "GOT a false /proc/sys"',
  },
  {
    name: 'dev-null-is-a-file',
    story: 'VOLUME /dev brings a /dev/null that is a file of the container’s, to be seen through every mask.',
    cves: ['CVE-2025-31133'],
    image: { files: { '/dev/null': 'planted' }, config: volumes('/dev') },
    script: () => 'grep planted /proc/keys && echo "GOT a mask"',
  },
];

async function attempt(stage: Stage, way: Way, classic: Classic): Promise<string | undefined> {
  const secret = stage.secret();
  const hostile = typeof classic.image === 'function' ? classic.image(stage, secret) : classic.image;
  const image = await stage.image(hostile ?? { files: {} });
  const command = ['/bin/sh', '-c', `${classic.script(stage, secret)}; echo END`];
  const result = await stage.use(way, image, classic.flags ?? [], command);
  if (result.stdout.includes(secret.text)) return `the host's ${secret.path} was read`;
  const got = result.stdout.split('\n').filter((line) => line.includes('GOT '));
  if (got.length > 0) return got.join('\n');
  if (result.stdout.includes('END') || isRefusal(result)) return undefined;
  throw new Error(`status ${String(result.exitCode)}: ${result.stderr}`);
}

export const classicCases: readonly AttackCase[] = CLASSICS.map((classic) => ({
  name: `classic-${classic.name}`,
  story: classic.story,
  ...(classic.cves === undefined ? {} : { cves: classic.cves }),
  guard: true,
  ways: classic.ways ?? ['run', 'exec', 'init'],
  attack: async (stage, way) => await attempt(stage, way, classic),
}));
