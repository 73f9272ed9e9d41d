/**
 * The files that say what a name means in a container. The container writes them: they are opened in its root, only if
 * they are files, and only their beginning counts.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { namedCalls } from '../../../runtime/syscall/named-calls.ts';
import type { Container } from '../../engine/state/store.ts';

const MOST = 64 * 1024;
export interface NameFiles {
  readonly hosts: string;
  readonly resolv: string;
}

/** undefined where the container has no process to see them by. */
export function readNameFiles({ state: { pid } }: Container): NameFiles | undefined {
  if (pid === 0) return undefined;
  let root: number;
  try {
    root = openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY);
  } catch {
    return undefined; // It has ended.
  }
  try {
    return { hosts: readBeginning(root, 'etc/hosts'), resolv: readBeginning(root, 'etc/resolv.conf') };
  } finally {
    closeSync(root);
  }
}

/** '' for what is no file. Opening a FIFO or a device could wait for ever. */
function readBeginning(root: number, path: string): string {
  let fd: number;
  try {
    fd = openInRoot(namedCalls, root, path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    if (!fstatSync(fd).isFile()) return '';
    const buffer = Buffer.alloc(MOST);
    return buffer.subarray(0, readSync(fd, buffer)).toString();
  } finally {
    closeSync(fd);
  }
}
