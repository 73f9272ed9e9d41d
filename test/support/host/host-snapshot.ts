/**
 * Everything minidock could leave behind on a throw-away host, as sorted lines, so that two snapshots can be
 * compared with toEqual and the difference reads as what leaked. Counters, handles, interface indexes and times
 * are left out: they change by themselves.
 */
import { readFileSync } from 'node:fs';
import { processesInside } from './host-cleanup.ts';
import type { RunResult } from './processes.ts';

export interface HostSnapshot {
  /** `name@peer flags-that-matter master` */
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly nft: readonly string[];
  readonly iptables: readonly string[];
  readonly mounts: readonly string[];
  readonly netns: readonly string[];
  /** Directories called minidock, and below, in every cgroup hierarchy. */
  readonly cgroups: readonly string[];
  readonly leases: readonly string[];
  /** Command lines of everything running inside the host. */
  readonly processes: readonly string[];
  /** Directories of containers below MINIDOCK_ROOT and MINIDOCK_RUN. */
  readonly containers: readonly string[];
}

const SCRIPT = `
part() { printf '\\n=== %s\\n' "$1"; }
part links; ip -o link show
part addresses; ip -o address show
part routes; ip route show table all
part nft; nft -s list ruleset 2>/dev/null
part iptables; iptables-save 2>/dev/null
part mounts; cat /proc/self/mounts
part netns; ls -1 /run/netns 2>/dev/null
part cgroups; find /sys/fs/cgroup -type d -path '*/minidock/*' 2>/dev/null
part leases; find "$MINIDOCK_RUN/leases" -type f 2>/dev/null
part containers; find "$MINIDOCK_ROOT/containers" "$MINIDOCK_RUN/containers" -mindepth 1 -maxdepth 1 2>/dev/null
part end
`;

export async function takeSnapshot(
  run: (argv: readonly string[]) => Promise<RunResult>,
  holder: number,
): Promise<HostSnapshot> {
  const { stdout } = await run(['bash', '-c', SCRIPT]);
  const parts = new Map<string, readonly string[]>();
  for (const part of stdout.split('\n=== ').slice(1)) {
    const [name = '', ...lines] = part.split('\n');
    parts.set(
      name,
      lines.filter((line) => line.trim() !== ''),
    );
  }
  const lines = (name: string): readonly string[] => parts.get(name) ?? [];
  const sorted = (name: string): readonly string[] => [...lines(name)].sort();
  return {
    links: lines('links').map(withoutVolatile).sort(),
    addresses: lines('addresses').filter(isAssigned).map(withoutVolatile).sort(),
    routes: lines('routes').filter(isAssigned).map(withoutVolatile).sort(),
    nft: lines('nft').filter((line) => !line.startsWith('#')),
    iptables: lines('iptables')
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.replace(/\[\d+:\d+\]/, '[0:0]')),
    // What the machine had in /tmp when this host was made is copied here, and goes when it is deleted there.
    mounts: sorted('mounts').filter((line) => !/^\S+ \/tmp\//.test(line)),
    netns: sorted('netns'),
    cgroups: sorted('cgroups'),
    leases: sorted('leases'),
    processes: processesInside(holder).map(commandLine).sort(),
    containers: sorted('containers'),
  };
}

/** IPv6 link-local and multicast come and go by themselves, a second or two after a link comes up. */
const isAssigned = (line: string): boolean => !/\b(fe80|ff00)::/.test(line);

/** Without the interface index, MAC address, carrier, queue state and lifetimes. */
function withoutVolatile(line: string): string {
  return line
    .replace(/^\d+: /, '')
    .replace(/<.*?>/, (flags) => flags.replace(/NO-CARRIER,|,LOWER_UP/g, ''))
    .replace(/ tentative| dadfailed| linkdown/g, '')
    .replace(/@if\d+/g, '')
    .replace(/link-netns\S* \S+/, '')
    .replace(/link\/ether.*$/, '')
    .replace(/qdisc .*?(?=mode|\\|$)/, '')
    .replace(/valid_lft.*$/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function commandLine(pid: number): string {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    // A shim that sleeps has the numbers of its descriptors there besides.
    const words = args[0] === '__shim' ? args.slice(0, 2) : args;
    return [program, ...words].join(' ').trim();
  } catch {
    return ''; // it ended while it was being looked at
  }
}
