/**
 * A running container as the kernel sees it, whatever made it: read from outside, by the number of its first process,
 * so that two containers can be compared with toEqual. Numbers and names that differ from one container to the next
 * (ids, interface indexes, paths of a container's own files) are replaced by words.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestHost } from './host/host.ts';

export interface ContainerView {
  readonly status: readonly string[];
  readonly limits: readonly string[];
  readonly environment: readonly string[];
  readonly cwd: string;
  readonly descriptors: readonly string[];
  /** Kinds of namespaces that are not the host's. */
  readonly namespaces: readonly string[];
  /** It leads a session of its own (field 6 of /proc/PID/stat). */
  readonly ownSession: boolean;
  readonly oomScore: string;
  readonly mounts: readonly string[];
  readonly devices: string;
  readonly files: Readonly<Record<string, string>>;
  readonly sysctls: string;
  /** `hierarchy/file: content` of what limits. */
  readonly cgroup: readonly string[];
  readonly links: unknown;
  readonly addresses: unknown;
  readonly routes: unknown;
  readonly host: Readonly<Record<string, readonly string[]>>;
}

const STATUS = /^(Uid|Gid|Groups|NoNewPrivs|Cap\w+|SigBlk|SigIgn|NSpid):/;
const LIMITS =
  /^(memory\.(max|swap\.max|low|limit_in_bytes|memsw\.limit_in_bytes)|cpu\.(max|weight|shares|cfs_\w+_us)|pids\.max|devices\.list|cpuset\.cpus)$/;

export async function viewContainer(host: TestHost, id: string, pid: number): Promise<ContainerView> {
  const proc = (name: string): string => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const same = (text: string): string => withoutIdentity(text, id);
  const lines = (text: string): readonly string[] => same(text).trimEnd().split('\n');
  const inside = async (...argv: readonly string[]): Promise<string> =>
    same((await host.run(['nsenter', `--target=${pid}`, '--net', ...argv])).stdout);
  const json = async (...argv: readonly string[]): Promise<unknown> =>
    JSON.parse(await inside('ip', '-j', ...argv), drop);
  const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts', 'time'];
  const root = `/proc/${pid}/root`;
  const names = ['hosts', 'hostname', 'resolv.conf', 'mtab'];
  const { links, addresses, routes, nft, iptables, netns } = await host.snapshot();
  return {
    status: lines(proc('status'))
      .filter((line) => STATUS.test(line))
      .map((line) => line.replace(/^(NSpid:)\t\d+/, '$1')),
    limits: lines(proc('limits')),
    environment: [...lines(proc('environ').replaceAll('\0', '\n'))].sort(),
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    descriptors: readdirSync(`/proc/${pid}/fd`),
    namespaces: kinds.filter(
      (kind) => readlinkSync(`/proc/${pid}/ns/${kind}`) !== readlinkSync(`/proc/${host.pid}/ns/${kind}`),
    ),
    ownSession: proc('stat').split(') ')[1]?.split(' ')[3] === String(pid),
    oomScore: proc('oom_score_adj'),
    mounts: lines(proc('mountinfo')).map(mountLine),
    devices: same(
      // A /dev of the machine's has the terminals that are open on it just now (major number 136).
      (await host.run(['bash', '-c', `cd ${root}/dev && ls -lR --time-style=+ . | grep -v '^d\\| 136, '`]))
        .stdout,
    ),
    files: Object.fromEntries(
      names.map((name) => [
        name,
        existsSync(join(root, 'etc', name)) ? same(readFileSync(join(root, 'etc', name), 'utf8')) : '',
      ]),
    ),
    sysctls: await inside(
      'cat',
      '/proc/sys/net/ipv4/ip_unprivileged_port_start',
      '/proc/sys/net/ipv4/ping_group_range',
    ),
    cgroup: await limits(host, id),
    links: await json('link'),
    addresses: await json('address'),
    routes: await json('route'),
    host: Object.fromEntries(
      Object.entries({ links, addresses, routes, nft, iptables, netns }).map(([part, all]) => [
        part,
        all.map(same).sort(),
      ]),
    ),
  };
}

/** A JSON reviver: what differs although nothing is different. */
function drop(key: string, value: unknown): unknown {
  const volatile = [
    'ifindex',
    'link_index',
    'link_netnsid',
    'valid_life_time',
    'preferred_life_time',
    'stats64',
  ];
  return volatile.includes(key) ? undefined : value;
}

const withoutIdentity = (text: string, id: string): string =>
  text
    .replaceAll(id, 'ID')
    .replaceAll(id.slice(0, 12), 'SHORT')
    .replace(/mdv[0-9a-f]+/g, 'VETH');

/** Mount and device numbers, and where the container's own files lie on the host, are left out. */
function mountLine(line: string): string {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root = '', point = '', flags = ''] = before.split(' ');
  const [type = '', source = '', options = ''] = after.split(' ');
  const optional = before
    .split(' ')
    .slice(6)
    .map((word) => word.replace(/\d+/, 'N'));
  const own = root.replace(/^.*\/(hosts|hostname|resolv\.conf)$/, '$1');
  // Writable or not in itself: the first mount in that network namespace decides, `ip -n` for one, which mounts
  // it for itself. What holds for the container are the flags of its own mount.
  if (type === 'sysfs') return [own, point, flags, ...optional, type, source].join(' ');
  const data = type === 'overlay' ? options.replace(/(lowerdir|upperdir|workdir)=[^,]*/g, '$1') : options;
  return [own, point, flags, ...optional, type, source, data].join(' ');
}

async function limits(host: TestHost, id: string): Promise<readonly string[]> {
  const { stdout } = await host.run(['find', '/sys/fs/cgroup', '-path', `*/minidock/${id}/*`, '-type', 'f']);
  const files = stdout.split('\n').filter((path) => LIMITS.test(path.split('/').at(-1) ?? ''));
  const read = await host.run(['grep', '-H', '', ...files]);
  return withoutIdentity(read.stdout, id).trim().split('\n').sort();
}
