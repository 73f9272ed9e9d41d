/** The programs minidock calls and the Debian package that brings each, for the message when one is missing. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { OciNamespace } from '../bundle.ts';
import { MinidockError } from '../errors.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  ip6tables: 'iptables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  modprobe: 'kmod',
  findmnt: 'util-linux',
  pivot_root: 'util-linux',
  setpriv: 'util-linux',
  script: 'bsdutils',
  mkfifo: 'coreutils',
  mount: 'mount',
  umount: 'mount',
  sysctl: 'procps',
  conntrack: 'conntrack',
  tini: 'tini',
};

/** What unshare(1) and nsenter(1) call the kinds of namespaces. */
export const NAMESPACE_OPTION: Readonly<Record<OciNamespace, string>> = {
  mount: '--mount',
  uts: '--uts',
  ipc: '--ipc',
  pid: '--pid',
  network: '--net',
  cgroup: '--cgroup',
  user: '--user',
};

/** 'iproute2', or the program's own name when no package is known for it. */
export function packageOf(program: string): string {
  return PACKAGES[program] ?? program;
}

export function toolMissing(program: string): MinidockError {
  return new MinidockError({
    code: 'TOOL_MISSING',
    message: `${program}: command not found`,
    hint: `Install the package '${packageOf(program)}' and try again.`,
    exitCode: 125,
  });
}

/** For a program that another program starts. */
export function requireTool(program: string): void {
  if (!isInstalled(program)) throw toolMissing(program);
}

export const isInstalled = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((directory) => isExecutable(join(directory, program)));

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // Missing or not executable for us: the search continues, as in execvp(3).
  }
}
