/**
 * The source of a bind mount, opened. It is the host's own path, but for a directory in a volume (volume-subpath):
 * containers that share the volume may put a link there, and swap it meanwhile, so it is opened as in the volume, and
 * what was opened is what is mounted (Kubernetes: CVE-2017-1002101, CVE-2021-25741).
 */
import { closeSync, constants, openSync } from 'node:fs';
import { BELOW } from '../bundle.ts';
import { MinidockError } from '../errors.ts';
import { O_PATH } from '../syscall/constants.ts';
import { errnoOf } from '../syscall/error.ts';
import type { FileCalls } from '../syscall/kernel.ts';
import { openInRoot } from './in-root.ts';

/** An O_PATH descriptor, which the caller closes. @throws MinidockError 'NO_SUBPATH'. */
export function openSource(source: string, options: readonly string[], kernel: FileCalls): number {
  const top = options.find((word) => word.startsWith(BELOW))?.slice(BELOW.length);
  if (top === undefined) return openSync(source, O_PATH);
  const volume = openSync(top, O_PATH | constants.O_DIRECTORY);
  try {
    return openInRoot(kernel, volume, source.slice(top.length));
  } catch (error) {
    const reason = { ENOENT: 'no such file or directory', ELOOP: 'it is a link that leads out' }[
      errnoOf(error)
    ];
    if (reason === undefined) throw error;
    throw new MinidockError({
      code: 'NO_SUBPATH',
      message: `cannot access path ${source}: ${reason}`,
      hint: 'A subpath must be there, in the volume or the image, before it is mounted.',
      cause: error,
    });
  } finally {
    closeSync(volume);
  }
}
