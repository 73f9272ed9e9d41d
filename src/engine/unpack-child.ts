/** `minidock __unpack`: gives images/unpack the system calls it needs, which are runtime/syscall's. */
import type { FileSystemCalls } from '../../images/file-system-calls.ts';
import { runUnpack as unpack } from '../../images/unpack/run-unpack.ts';
import { userNamespace } from '../../runtime/process/identity/user-namespace.ts';
import { nextData } from '../../runtime/syscall/descriptors.ts';
import { kernel } from '../../runtime/syscall/libc.ts';
import { span } from '../../runtime/trace.ts';

export const fileSystemCalls: FileSystemCalls = {
  inUserNamespace: userNamespace() !== undefined,
  mknod: (path, type, mode, major, minor) => kernel.mknod(path, type, mode, major, minor),
  setXattr: (path, name, value) => kernel.setXattr(path, name, value),
  getXattrs: (path) => kernel.getXattrs(path),
  setTimes: (path, atimeNs, mtimeNs) => kernel.utimensat(path, atimeNs, mtimeNs),
  nextData,
  enterRoot: (path) => {
    kernel.chroot(path);
    process.chdir('/');
  },
};

export async function runUnpack(): Promise<void> {
  if (process.env['MINIDOCK_TRACE']) {
    const { startTrace } = await import('../io/start-trace.ts');
    startTrace('minidock __unpack', ['__unpack']);
  }
  process.exitCode = await span('image', 'unpack', () => unpack(fileSystemCalls));
}
