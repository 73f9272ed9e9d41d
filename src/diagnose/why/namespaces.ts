/** Named network namespaces (ip-netns(8)) with their addresses, without those of containers. */
import { closeSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { CLONE_NEWNET } from '../../../runtime/syscall/constants.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { entering, readLinks } from '../host/ip.ts';
import { findNamespaces, ownNamespace } from '../host/netns.ts';
import { isLinkLocal, isLoopback } from './family.ts';
import type { NamedNetns } from './model.ts';

const DIRECTORY = '/run/netns/';
/** The prefix of minidock's container namespaces. */
const OWN = /^md-/;

export async function readNamespaces(): Promise<
  readonly (NamedNetns & { readonly addresses: readonly string[] })[]
> {
  const own = ownNamespace();
  const named = findNamespaces().flatMap(({ inode, paths }) => {
    const path = paths.find((one) => one.startsWith(DIRECTORY));
    return inode === own || path === undefined || OWN.test(basename(path)) ? [] : [path];
  });
  return Promise.all(
    named.map(async (path) => {
      const links = await readLinks(entering(path));
      const addresses = links.flatMap(({ addr_info }) => addr_info.map(({ local }) => local));
      const name = `netns:${path.slice(DIRECTORY.length)}`;
      return { name, path, addresses: addresses.filter((one) => !isLoopback(one) && !isLinkLocal(one)) };
    }),
  );
}

/** A socket belongs to the namespace it was opened in. setns(2) affects only this thread. */
export function inNamespace<T>(netns: string | undefined, open: () => T): T {
  if (netns === undefined) return open();
  const here = openSync('/proc/thread-self/ns/net', 'r');
  const there = openSync(netns, 'r');
  try {
    kernel.setns(there, CLONE_NEWNET);
    try {
      return open();
    } finally {
      kernel.setns(here, CLONE_NEWNET);
    }
  } finally {
    closeSync(there);
    closeSync(here);
  }
}
