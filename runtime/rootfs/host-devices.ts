/** The device nodes of the host, for a privileged container, which gets all of them as Docker has it. */
import { readdirSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { OciDevice } from '../bundle.ts';
import { errnoOf } from '../syscall/error.ts';

/** Directories of /dev with file systems of their own or of no use to another mount namespace. */
const SKIPPED = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console', 'ptmx']);

export function hostDevices(directory = '/dev'): readonly OciDevice[] {
  const found: OciDevice[] = [];
  for (const name of readdirSync(directory)) {
    if (SKIPPED.has(name)) continue;
    const path = join(directory, name);
    try {
      // Not the kinds that readdir(3) tells: where a device is mounted on a file, it tells the file's.
      const stats = lstatSync(path);
      if (stats.isDirectory()) found.push(...hostDevices(path));
      if (!stats.isCharacterDevice() && !stats.isBlockDevice()) continue;
      const { rdev, mode, uid, gid } = stats;
      found.push({
        type: stats.isBlockDevice() ? 'b' : 'c',
        path,
        ...splitDevice(rdev),
        fileMode: mode & 0o777,
        uid,
        gid,
      });
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error; // Unplugged since the directory was read.
    }
  }
  return found;
}

/** dev_t as stat(2) gives it (makedev(3)). */
export const splitDevice = (rdev: number): { major: number; minor: number } => ({
  major: (rdev >>> 8) & 0xfff,
  minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00),
});
