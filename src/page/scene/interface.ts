/** An interface as the kernel has it now: its counters, which tick, and what else `ip -s -d link` shows. */
import { entering, inside } from '../../diagnose/host/ip.ts';
import { lookAtJson } from '../../diagnose/host/look.ts';
import { findNamespaces, ownNamespace, pathInto } from '../../diagnose/host/netns.ts';

interface Link {
  readonly ifindex?: number;
  readonly ifname?: string;
  readonly stats64?: Readonly<Record<'rx' | 'tx', Counters>>;
}

interface Counters {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface InterfaceNow {
  readonly rx: Counters;
  readonly tx: Counters;
}

/** @throws Error if the namespace or the interface is gone. */
export async function readInterface(inode: number, index: number): Promise<InterfaceNow> {
  const namespace = findNamespaces().find((one) => one.inode === inode);
  if (namespace === undefined) throw new Error('this namespace is gone');
  const enter = inode === ownNamespace() ? [] : entering(pathInto(namespace));
  const links = await lookAtJson<readonly Link[]>(inside(enter, ['ip', '-j', '-s', 'link', 'show']), []);
  const stats = links.find(({ ifindex }) => ifindex === index)?.stats64;
  if (stats === undefined) throw new Error('this interface is gone');
  return { rx: stats.rx, tx: stats.tx };
}
