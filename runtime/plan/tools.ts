/** The programs minidock calls and the Debian package that brings each, for the message when one is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  mount: 'mount',
  sysctl: 'procps',
  conntrack: 'conntrack',
  tini: 'tini',
};

/** 'Debian package iproute2', or the program's own name when no package is known for it. */
export function packageOf(program: string): string {
  return PACKAGES[program] ?? program;
}
