/** System calls for unit tests, which run without root: recorded, and done as far as plain files can do them. */
import { fstatSync, lutimesSync, writeFileSync } from 'node:fs';
import type { FileSystemCalls } from '../../../images/file-system-calls.ts';

export interface RecordingCalls extends FileSystemCalls {
  readonly made: string[];
}

/** Device nodes become empty files, so that what comes after finds something there. */
export function recordingCalls(root: string): RecordingCalls {
  const made: string[] = [];
  const relative = (path: string): string => path.slice(root.length + 1);
  return {
    inUserNamespace: false,
    made,
    mknod: (path, type, mode, major, minor) => {
      writeFileSync(path, '', { flag: 'wx', mode });
      made.push(`mknod ${relative(path)} ${type} ${mode.toString(8)} ${String(major)}:${String(minor)}`);
    },
    setXattr: (path, name, value) => {
      made.push(`setxattr ${relative(path)} ${name}=${Buffer.from(value).toString('hex')}`);
    },
    getXattrs: () => new Map(),
    setTimes: (path, atimeNs, mtimeNs) => {
      lutimesSync(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
    },
    nextData: (fd, from) => {
      const { size } = fstatSync(fd);
      return from < size ? { start: from, end: size } : undefined;
    },
    enterRoot: () => {
      throw new Error('a unit test must not change its root');
    },
  };
}
