/** `--userns` and MINIDOCK_USERNS: whether root of the container is root of the machine. */
import { userNamespace } from '../../../runtime/process/identity/user-namespace.ts';
import type { ContainerSpec, MountSpec, UsernsMode } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidArgument, invalidSpec } from './flag-errors.ts';

const MODES: readonly string[] = ['', 'host', 'auto'] satisfies readonly UsernsMode[];

/** A flag wins over the variable. The refusals are those of Docker's daemon with userns-remap. */
export function usernsMode(request: CreateRequest, networkMode: string): UsernsMode {
  const variable = process.env['MINIDOCK_USERNS'] ?? '';
  const mode = request.userns ?? variable;
  if (!MODES.includes(mode)) {
    const known = 'valid modes are host and auto';
    if (request.userns === undefined) throw invalidSpec(`invalid MINIDOCK_USERNS: "${mode}" (${known})`);
    throw invalidArgument(mode, '--userns', `invalid USER mode (${known})`);
  }
  if (mode !== 'auto') return mode as UsernsMode;
  const hint = 'Give --userns=host, too.';
  if (request.privileged === true) {
    throw invalidSpec('privileged mode is incompatible with user namespaces', hint);
  }
  if (networkMode === 'host') {
    throw invalidSpec("cannot share the host's network namespace when user namespaces are enabled", hint);
  }
  if (networkMode.startsWith('container:')) {
    throw invalidSpec(
      "cannot share another container's network namespace when user namespaces are enabled: it belongs to that container's users",
      hint,
    );
  }
  if (userNamespace() !== undefined) {
    throw invalidSpec(
      '--userns=auto needs root of the machine: minidock runs in a user namespace itself',
      'Root is harmless there already: give --userns=host.',
    );
  }
  return mode;
}

/**
 * Mounts that are handed to a container with users of its own are not locked (mount_namespaces(7)): with CAP_SYS_ADMIN
 * there, it could turn what was shared read-only writable.
 */
export function refuseLooseMounts(
  { usernsMode: mode, capAdd }: Pick<ContainerSpec, 'usernsMode' | 'capAdd'>,
  mounts: readonly Pick<MountSpec, 'type' | 'readOnly' | 'target'>[],
): void {
  const image = mounts.find(({ type }) => type === 'image');
  if (mode === 'auto' && image !== undefined)
    throw invalidSpec(
      `the image on ${image.target} cannot be mounted with --userns=auto: its files would belong to nobody there`,
      'Give --userns=host, or copy the files (minidock cp) into a volume.',
    );
  if (mode !== 'auto' || !capAdd.some((name) => /^(cap_)?(sys_admin|all)$/i.test(name))) return;
  const mount = mounts.find(({ type, readOnly }) => type !== 'tmpfs' && readOnly);
  if (mount === undefined) return;
  throw invalidSpec(
    `${mount.target} cannot be kept read-only in a container with --userns=auto and CAP_SYS_ADMIN`,
    'Leave the capability out, or share a copy.',
  );
}
