/**
 * Where the host keeps a small init that can be lent to a container. It must be statically linked, since it
 * runs with the container's files; that is why plain `tini` is not on the list.
 */
import { existsSync, realpathSync } from 'node:fs';
import type { OciMount } from '../bundle.ts';
import { MinidockError } from '../errors.ts';

/** Where Docker mounts it, and where the program's arguments expect it. */
const INIT_PATH = '/sbin/docker-init';

const CANDIDATES = [
  '/usr/bin/docker-init',
  '/usr/libexec/docker/docker-init',
  '/usr/bin/tini-static',
  '/usr/bin/catatonit',
  '/usr/libexec/podman/catatonit',
  '/usr/libexec/catatonit/catatonit',
] as const;

export function initMount(candidates: readonly string[] = CANDIDATES): OciMount {
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new MinidockError({
      code: 'INIT_NOT_FOUND',
      message:
        'the container’s init comes from this machine, which has none of docker-init, tini-static, catatonit',
      hint: 'apt-get install tini',
    });
  }
  return {
    destination: INIT_PATH,
    type: 'bind',
    source: realpathSync(found),
    options: ['bind', 'ro', 'private'],
  };
}
