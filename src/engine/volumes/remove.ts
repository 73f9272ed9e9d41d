/**
 * A volume's removal. Whatever is mounted on its directory goes first: a file system of its own that a killed container
 * left there, and be it an NFS server's, must not be emptied with the directory.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { hostOf, unmountAll } from '../../../runtime/volumes/hold.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { volumeEvent } from '../state/events/events.ts';
import { volumeUsersDir, type Paths } from '../state/paths.ts';
import { removeTree } from '../state/remove-tree.ts';
import { deleteVolume, getVolume, volumeData } from '../state/volumes.ts';

/** The caller holds the lock of the volumes, and no container uses it. @throws MinidockError 'NO_SUCH_VOLUME'. */
export function removeVolume(paths: Paths, name: string): void {
  if (getVolume(paths, name) === undefined) {
    throw new MinidockError({ code: 'NO_SUCH_VOLUME', message: `get ${name}: no such volume` });
  }
  unmountAll(volumeData(paths, name), hostOf(kernel));
  removeTree(volumeUsersDir(paths, name));
  deleteVolume(paths, name);
  recordEvent(paths, volumeEvent(name, 'destroy'));
}
