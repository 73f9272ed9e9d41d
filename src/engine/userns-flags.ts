/** `--userns` and MINIDOCK_USERNS: whether root of the container is root of the machine. */
import { userNamespace } from '../../runtime/process/user-namespace.ts';
import type { UsernsMode } from './container.ts';
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
