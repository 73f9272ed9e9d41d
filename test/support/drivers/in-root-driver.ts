/**
 * Run by Bun, since Node has no openat2(2): opens PATH in ROOT in one of in-root.ts's ways and prints where that led,
 * as /proc/self/fd has it, or the code of the error.
 *
 *   bun in-root-driver.ts ROOT root|beneath|links|dir|file PATH…
 */
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { createInRoot, openBeneath, openInRoot, openWithoutLinks } from '../../../runtime/rootfs/in-root.ts';
import { refuseKernelFiles } from '../../../runtime/rootfs/safe-target.ts';
import { containerKernel as kernel } from '../../../runtime/syscall/file-calls.ts';

const [top = '', way = '', ...paths] = process.argv.slice(2);
const root = openSync(top, 'r');

function open(path: string): number {
  switch (way) {
    case 'root':
      return openInRoot(kernel, root, path);
    case 'beneath':
      return openBeneath(kernel, root, path);
    case 'links':
      return openWithoutLinks(kernel, root, path);
    case 'dir':
    case 'file':
      return createInRoot(kernel, root, path, way, (fd) => refuseKernelFiles(kernel, fd, path)).fd;
    default:
      throw new Error(`no way ${way}`);
  }
}

function where(path: string): string {
  const before = readdirSync('/proc/self/fd').length;
  try {
    const fd = open(path);
    const found = readlinkSync(`/proc/self/fd/${String(fd)}`);
    closeSync(fd);
    return readdirSync('/proc/self/fd').length === before
      ? found.slice(top.length) || '/'
      : 'a descriptor stays open';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

for (const path of paths) console.log(where(path));
