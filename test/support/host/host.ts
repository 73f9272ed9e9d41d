/**
 * A throw-away host for tests that change the kernel's state: a network namespace whose uplink leads to a second
 * one, `outside`, that plays the internet; a mount namespace with its own /run (so /run/netns and the iptables lock
 * are its own), its own /sys (network devices as this host sees them) and its own part of every cgroup hierarchy;
 * and a MINIDOCK_ROOT and MINIDOCK_RUN in a temporary directory on disk, since overlayfs wants a real upper layer.
 *
 *   outside                                  host
 *   lo   198.51.100.10/32 (the internet)     eth0 192.0.2.2/24, default via 192.0.2.1
 *   eth0 192.0.2.1/24  <------ veth ------>
 *
 * One process keeps all of it alive, and it ends when its stdin closes: also if the test runner is killed. Hosts
 * share nothing, so any number may live at once. Not separated: processes, users, the hostname and the disk.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cgroupMounts, hostCgroupName, killProcesses, removeCgroups, thawCgroups } from './host-cleanup.ts';
import { takeSnapshot, type HostSnapshot } from './host-snapshot.ts';
import {
  runProgram,
  startProgram,
  waitFor,
  type Background,
  type RunOptions,
  type RunResult,
} from './processes.ts';

export const HOST_ADDRESS = '192.0.2.2';
export const OUTSIDE_ADDRESS = '192.0.2.1';
export const INTERNET_ADDRESS = '198.51.100.10';
const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');

export interface HostOptions {
  /** 'machine' (default): every hierarchy this machine has; 'v2': only cgroup2, on /sys/fs/cgroup; or none. */
  readonly cgroup?: 'machine' | 'v2' | 'none';
}

export interface TestHost {
  readonly dir: string;
  /** MINIDOCK_ROOT and MINIDOCK_RUN, visible to the test at the same paths. */
  readonly root: string;
  readonly runDir: string;
  readonly env: Readonly<Record<string, string>>;
  /** A process inside the host: /proc/<pid>/root is the host's file system, /proc/<pid>/ns its namespaces. */
  readonly pid: number;
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  outside(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Inside a network namespace below the host's /run/netns. */
  inNetns(name: string, argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** In the background: in the host, outside, or in a named network namespace. */
  spawn(argv: readonly string[], where?: Where): Background;
  /** The built binary, dist/minidock. */
  minidock(...args: readonly string[]): Promise<RunResult>;
  /** The words that put any program into the host, for tests that spawn it themselves (a pty). */
  enter(where?: Where): readonly string[];
  waitFor<T>(ask: () => T | Promise<T>, what: string, timeout?: number): Promise<NonNullable<T>>;
  snapshot(): Promise<HostSnapshot>;
  dispose(): Promise<void>;
}

export type Where = 'host' | 'outside' | { readonly netns: string };

export async function createHost(options: HostOptions = {}): Promise<TestHost> {
  const dir = mkdtempSync('/var/tmp/minidock-test-');
  const holder = startProgram(
    ['unshare', '--net', '--mount', '--propagation', 'private', 'bash', '-euc', HOLDER, 'holder'],
    { DIR: dir, CGROUP: options.cgroup ?? 'machine', CGROUP_NAME: hostCgroupName(dir) },
  );
  const started: Background[] = [];
  const root = join(dir, 'root');
  const runDir = join(dir, 'run');
  // Without SHLVL, bash takes an input that is a socket for rshd and reads the developer's ~/.bashrc.
  const env = { MINIDOCK_ROOT: root, MINIDOCK_RUN: runDir, SHLVL: '1' };
  const cgroups = cgroupMounts();

  const dispose = async (): Promise<void> => {
    for (const background of started) background.kill();
    thawCgroups(cgroups, hostCgroupName(dir));
    await killProcesses(holder.pid);
    holder.kill();
    await holder.exited;
    await removeCgroups(cgroups, hostCgroupName(dir));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await holder.waitForOutput(/^ready$/m);
  } catch (error) {
    await dispose();
    throw error;
  }

  const enter = (where: Where = 'host'): string[] => {
    // Through /proc/<pid>/root, because these bind mounts exist in the host's mount namespace only.
    const seen = `/proc/${holder.pid}/root`;
    const net =
      where === 'host'
        ? '--net'
        : `--net=${where === 'outside' ? `${seen}${dir}/outside` : `${seen}/run/netns/${where.netns}`}`;
    return ['nsenter', `--target=${holder.pid}`, '--mount', net, '--'];
  };
  const run =
    (where: Where) =>
    (argv: readonly string[], runOptions: RunOptions = {}): Promise<RunResult> =>
      runProgram([...enter(where), ...argv], { ...runOptions, env: { ...env, ...runOptions.env } });

  return {
    dir,
    root,
    runDir,
    env,
    pid: holder.pid,
    enter,
    run: run('host'),
    outside: run('outside'),
    inNetns: (netns, argv, runOptions) => run({ netns })(argv, runOptions),
    minidock: (...args) => run('host')([MINIDOCK, ...args]),
    spawn: (argv, where) => {
      const background = startProgram([...enter(where), ...argv], env);
      started.push(background);
      return background;
    },
    waitFor,
    snapshot: () => takeSnapshot(run('host'), holder.pid),
    dispose,
  };
}

/** The holder's own script: builds the host, says `ready`, then waits for its stdin to close. */
const HOLDER = `
cgroups=$DIR/cgroup
mkdir "$DIR/root" "$DIR/run" "$cgroups"
# Covered, they would still be listed among this host's mounts.
if [ "$CGROUP" = machine ]; then mount --rbind /sys/fs/cgroup "$cgroups"; else umount --recursive --lazy /sys/fs/cgroup; fi
# A new sysfs shows the devices of this network namespace; the old one would show the machine's.
mount -t sysfs sysfs /sys
case $CGROUP in
  machine) mount --rbind "$cgroups" /sys/fs/cgroup; umount -l "$cgroups" ;;
  v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
  none) mount -t tmpfs tmpfs /sys/fs/cgroup ;;
esac
# Of each hierarchy this host sees a directory of its own, as if that were the root.
while read -r _ point type _; do
  case $type:$point in cgroup*:/sys/fs/cgroup*) ;; *) continue ;; esac
  own=$point/$CGROUP_NAME
  if [ -e "$point/cgroup.subtree_control" ]; then
    for controller in $(cat "$point/cgroup.controllers"); do
      grep -qw "$controller" "$point/cgroup.subtree_control" || echo "+$controller" >"$point/cgroup.subtree_control" || :
    done
  fi
  mkdir "$own"
  if [ -e "$own/cpuset.cpus" ] && [ ! -e "$own/cgroup.subtree_control" ]; then
    cat "$point/cpuset.cpus" >"$own/cpuset.cpus"
    cat "$point/cpuset.mems" >"$own/cpuset.mems"
  fi
  mount --bind "$own" "$point"
done < <(tac /proc/self/mounts | awk '!seen[$2]++')
mount -t tmpfs -o mode=755 tmpfs /run
# As the first "ip netns add" leaves it for good, so that it does not look like something left behind.
mkdir -m 755 /run/netns
mount --bind /run/netns /run/netns
mount --make-shared /run/netns
touch "$DIR/outside"
unshare --net="$DIR/outside" true
echo 0 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
ip link add eth0 type veth peer name eth0 netns "$DIR/outside"
ip address add 192.0.2.2/24 dev eth0
ip link set eth0 up
nsenter --net="$DIR/outside" ip -batch - <<'BATCH'
link set lo up
address add 198.51.100.10/32 dev lo
address add 192.0.2.1/24 dev eth0
link set eth0 up
BATCH
ip route add default via 192.0.2.1
echo ready
exec cat >/dev/null
`;
