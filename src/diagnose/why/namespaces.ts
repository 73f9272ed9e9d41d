/** Named network namespaces (ip-netns(8)) with their addresses, without those of containers. */
import { basename } from 'node:path';
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
