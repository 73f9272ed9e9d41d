/**
 * Tries each kernel feature that containers need: namespaces, overlayfs on the disk of the root, a bridge, a cable,
 * the firewall's own rules, seccomp, mount_setattr(2), control groups. Nothing stays but the modules that the kernel
 * loads, as it would for the first container.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cgroupLayout } from '../../../runtime/cgroup/detect.ts';
import * as iptables from '../../../runtime/network/firewall/iptables.ts';
import * as nftables from '../../../runtime/network/firewall/nftables.ts';
import type { BridgeNetwork, FirewallBackend } from '../../../runtime/network/types.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { isInstalled } from '../../../runtime/plan/tools.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { attempt } from './attempt.ts';
import { ok, type Finding } from './finding.ts';

const NAMESPACES = ['mount', 'uts', 'ipc', 'pid', 'net', 'cgroup'];
const IN_OWN_NETWORK = ['unshare', '--net', '--'] as const;
/** Addresses for documentation (RFC 5737), used in a private network namespace. */
const TRIAL: BridgeNetwork = {
  id: '0'.repeat(64),
  name: 'trial',
  bridge: 'trial0',
  subnet: '192.0.2.0/24',
  gateway: '192.0.2.1',
  created: '',
};

export async function examineKernel(paths: Paths, backend: FirewallBackend): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    namespaces(),
    overlayfs(paths),
    tried('bridge', 'bridges', ['ip', 'link', 'add', 'name', 'trial0', 'type', 'bridge']),
    tried('veth', 'veth pairs', ['ip', 'link', 'add', 'trial0', 'type', 'veth', 'peer', 'name', 'trial1']),
    firewall(backend),
  ]);
  return [version(), ...findings.flat(), seccomp(), mountSetattr(), ...cgroups()];
}

function version(): Finding {
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  const [major = 0, minor = 0] = release.split('.').map((word) => Number.parseInt(word, 10));
  if (major > 5 || (major === 5 && minor >= 12)) return ok('kernel.version', `Linux ${release}`);
  return {
    id: 'kernel.version',
    level: 'problem',
    what: `Linux ${release} is older than 5.12`,
    means: 'minidock mounts containers with system calls of Linux 5.12.',
    todo: ['Install a newer kernel of your distribution and reboot.'],
  };
}

async function namespaces(): Promise<Finding> {
  const all = await attempt(['unshare', ...NAMESPACES.map((kind) => `--${kind}`), '--fork', '--', 'true']);
  if (all === undefined) return ok('kernel.namespaces', `namespaces: ${NAMESPACES.join(', ')}`);
  const kinds = await Promise.all(
    NAMESPACES.map(async (kind) => ({ kind, words: await attempt(['unshare', `--${kind}`, '--', 'true']) })),
  );
  const failed = kinds.filter(({ words }) => words !== undefined).map(({ kind }) => kind);
  return {
    id: 'kernel.namespaces',
    level: 'problem',
    what: `cannot create namespaces${failed.length === 0 ? '' : ` (${failed.join(', ')})`}: ${all}`,
    means: 'A container is a process in namespaces of its own; without them no container starts.',
    todo: ['sysctl user.max_net_namespaces user.max_mnt_namespaces user.max_pid_namespaces', 'lsns'],
  };
}

async function overlayfs(paths: Paths): Promise<Finding> {
  const dir = mkdtempSync(join(existing(paths.root), '.minidock-doctor-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(dir, name));
    const options = `lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work`;
    const mount = ['mount', '-t', 'overlay', 'overlay', '-o', options, `${dir}/merged`];
    const words = await attempt(['unshare', '--mount', '--', ...mount]);
    if (words === undefined) return ok('kernel.overlayfs', `overlayfs, on the disk of ${paths.root}`);
    return {
      id: 'kernel.overlayfs',
      level: 'problem',
      what: `overlayfs cannot be mounted in ${paths.root}: ${words}`,
      means: 'overlayfs combines the layers of an image; without it no container starts.',
      todo: ['modprobe overlay', 'Or choose a root on ext4, xfs or btrfs with --root or MINIDOCK_ROOT.'],
    };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The directory, or its nearest existing parent: a root that does not exist yet will be on that disk. */
export const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

async function tried(name: string, plural: string, argv: Argv): Promise<Finding> {
  const words = await attempt([...IN_OWN_NETWORK, ...argv]);
  if (words === undefined) return ok(`kernel.${name}`, plural);
  return {
    id: `kernel.${name}`,
    level: 'problem',
    what: `no ${plural}: ${words}`,
    means: 'Containers on a bridge network cannot be connected; --network none and host still work.',
    todo: [`modprobe ${name}`],
  };
}

async function firewall(backend: FirewallBackend): Promise<readonly Finding[]> {
  const steps = { nftables, iptables };
  return Promise.all(
    (['nftables', 'iptables'] as const)
      .filter((name) => name === backend || isInstalled(PROGRAM[name]))
      .map(async (name): Promise<Finding> => {
        const words = await attemptRules(steps[name].planFirewall(TRIAL));
        if (words === undefined)
          return ok(`kernel.${name}`, `${name}, with all features that minidock's rules need`);
        return {
          id: `kernel.${name}`,
          level: name === backend ? 'problem' : 'warning',
          what: `cannot create minidock's rules with ${name}: ${words}`,
          means: 'Containers on a bridge network cannot be connected with it.',
          todo: [
            name === 'nftables'
              ? 'modprobe -a nf_tables nft_nat nft_masq nft_fib_ipv4 nft_ct'
              : 'modprobe -a ip_tables iptable_nat xt_conntrack xt_addrtype',
            `Or use the other one: --firewall ${name === 'nftables' ? 'iptables' : 'nftables'}, or ` +
              'MINIDOCK_FIREWALL.',
          ],
        };
      }),
  );
}

export const PROGRAM = { nftables: 'nft', iptables: 'iptables' } as const;

/** Adds one kind of namespace after the other to the same process. */
async function attemptRules(steps: readonly HostStep[]): Promise<string | undefined> {
  const script: string[] = [];
  for (const { command } of steps) {
    if (command.kind !== 'run') continue;
    const input = command.input === undefined ? '' : ` <<'END'\n${command.input}END`;
    script.push(`${command.argv.map(quote).join(' ')}${input}`);
  }
  return attempt([...IN_OWN_NETWORK, 'sh', '-e'], `${script.join('\n')}\n`);
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

function seccomp(): Finding {
  const actions = '/proc/sys/kernel/seccomp/actions_avail';
  const known = existsSync(actions) ? readFileSync(actions, 'utf8') : '';
  if (known.includes('errno')) return ok('kernel.seccomp', 'seccomp filters');
  return {
    id: 'kernel.seccomp',
    level: 'problem',
    what: 'this kernel has no seccomp filters',
    means:
      'Containers start only with --security-opt seccomp=unconfined, which leaves every system call open.',
    todo: ['Use a kernel with CONFIG_SECCOMP_FILTER.'],
  };
}

/** Calls it with a missing path: a kernel with the call answers ENOENT, one without it ENOSYS. */
function mountSetattr(): Finding {
  try {
    kernel.mountSetattr('/proc/self/no-such-file', false, { set: 0, clear: 0, propagation: 0 });
  } catch (error) {
    if (errnoOf(error) === 'ENOSYS') {
      return {
        id: 'kernel.mount_setattr',
        level: 'problem',
        what: 'this kernel has no mount_setattr(2)',
        means: 'minidock cannot make all mounts of a container read-only at once; no container starts.',
        todo: ['Install a kernel of 5.12 or later and reboot.'],
      };
    }
  }
  return ok('kernel.mount_setattr', 'mount_setattr(2)');
}

function cgroups(): readonly Finding[] {
  try {
    const layout = cgroupLayout();
    const controllers = layout.version === 2 ? layout.controllers : Object.keys(layout.controllers);
    const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.includes(name));
    const shown = controllers.filter((name) => !name.startsWith('name=')).join(', ');
    const found = ok('kernel.cgroups', `control groups, version ${String(layout.version)}: ${shown}`);
    if (missing.length === 0) return [found];
    return [
      found,
      {
        id: 'kernel.controllers',
        level: 'warning',
        what: `control groups without ${missing.join(' and ')}`,
        means: 'Containers run, but minidock refuses limits of these kinds (-m, --cpus, --pids-limit).',
        todo: [`Boot with ${missing.map((name) => `cgroup_enable=${name}`).join(' ')}.`],
      },
    ];
  } catch (error) {
    return [
      {
        id: 'kernel.cgroups',
        level: 'problem',
        what: (error as Error).message,
        means: 'No container starts.',
        todo: ['mount -t cgroup2 cgroup2 /sys/fs/cgroup'],
      },
    ];
  }
}
