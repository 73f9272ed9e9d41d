/** Work in a container's network namespace, by this process: sockets belong to where they are made, /proc/sys/net too. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { CLONE_NEWNET } from '../syscall/constants.ts';
import { kernel } from '../syscall/libc.ts';
import { netnsPath } from './names.ts';

/** Only this thread goes there, and comes back. `netns`: a name below /run/netns. @throws SyscallError. */
export function inNetns<T>(netns: string, work: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(netnsPath(netns), 'r');
    try {
      kernel.setns(there, CLONE_NEWNET);
      try {
        return work();
      } finally {
        kernel.setns(home, CLONE_NEWNET);
      }
    } finally {
      closeSync(there);
    }
  } finally {
    closeSync(home);
  }
}

/** By the names of sysctl(8); a container's interfaces have no dots in theirs. */
export function setSysctls(netns: string, settings: Readonly<Record<string, string>>): void {
  inNetns(netns, () => {
    for (const [key, value] of Object.entries(settings))
      writeFileSync(`/proc/sys/${key.replaceAll('.', '/')}`, value);
  });
}
