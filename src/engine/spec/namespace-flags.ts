/**
 * `--pid`, `--ipc`, `--uts`, `--cgroupns` and `--cgroup-parent`: which namespaces a container shares, and with whom.
 * What is absent from a NamespaceSpec is the container's own. Only names and combinations are checked here: whether
 * the other container runs is asked at each start (engine/joined.ts).
 */
import type { ContainerSpec, NamespaceSpec, UsernsMode } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidSpec } from './flag-errors.ts';

const CONTAINER = 'container:';

/** The id of the container that a mode names; undefined for any other mode. */
export const joinedId = (mode: string | undefined): string | undefined =>
  mode?.startsWith(CONTAINER) === true ? mode.slice(CONTAINER.length) : undefined;

/** The id of the container with that name; throws where there is none. */
type IdOf = (name: string) => string;

/** The refusals are those of Docker's command and daemon. */
export function namespaceSpec(
  idOf: IdOf,
  request: CreateRequest,
  userns: UsernsMode,
): Pick<ContainerSpec, 'namespaces'> {
  const { pid = '', ipc = '', uts = '', cgroupns = '' } = request;
  if (pid !== '' && pid !== 'host' && !isContainer(pid)) throw invalidSpec('--pid: invalid PID mode');
  if (uts !== '' && uts !== 'host') throw invalidSpec('--uts: invalid UTS mode');
  if (cgroupns !== '' && cgroupns !== 'private' && cgroupns !== 'host')
    throw invalidSpec('--cgroupns: invalid CGROUP mode');
  if (!['', 'private', 'shareable', 'host', 'none'].includes(ipc) && !isContainer(ipc))
    throw invalidSpec(`invalid IPC mode: ${ipc}`, IPC_MODES);
  const namespaces: NamespaceSpec = {
    ...(pid === '' ? {} : { pid: resolved(idOf, pid) }),
    ...(ipc === '' || ipc === 'private' ? {} : { ipc: resolved(idOf, ipc) }),
    ...(uts === '' ? {} : { uts: 'host' }),
    ...(cgroupns === 'host' ? { cgroup: 'host' } : {}),
  };
  const [shared] = Object.keys(namespaces);
  if (shared === undefined) return {};
  if (userns === 'auto') {
    const flag = { pid: '--pid', ipc: '--ipc', uts: '--uts', cgroup: '--cgroupns' }[shared] ?? shared;
    throw invalidSpec(
      `cannot share a namespace when user namespaces are enabled: ${flag} is incompatible with --userns=auto`,
      'Give --userns=host, too.',
    );
  }
  return { namespaces };
}

const IPC_MODES = 'It is private, shareable, none, host or container:NAME.';

const isContainer = (mode: string): boolean => mode.startsWith(CONTAINER) && mode.length > CONTAINER.length;

function resolved(idOf: IdOf, mode: string): string {
  const name = joinedId(mode);
  return name === undefined ? mode : `${CONTAINER}${idOf(name)}`;
}

/** A path below the root of each hierarchy, by names that mean nothing else there. */
export function cgroupParent(text: string | undefined): Pick<ContainerSpec, 'cgroupParent'> {
  if (text === undefined || text === '') return {};
  const names = text.split('/').filter((name) => name !== '');
  if (names.length === 0 || names.some((name) => !/^[A-Za-z0-9_:@%+-][A-Za-z0-9_.:@%+-]*$/.test(name))) {
    throw invalidSpec(
      `invalid --cgroup-parent: "${text}"`,
      'It is a path below the root of the control groups, such as /batch or /batch/nightly.',
    );
  }
  return { cgroupParent: `/${names.join('/')}` };
}

/** For tools that look at a bundle; they change nothing of the container. Docker keeps them in this form, too. */
export function annotations(entries: readonly string[] | undefined): Pick<ContainerSpec, 'annotations'> {
  if (entries === undefined || entries.length === 0) return {};
  const pairs = entries.map((entry): readonly [string, string] => {
    const at = entry.indexOf('=');
    if (at < 0) return [entry, ''];
    return [entry.slice(0, at), entry.slice(at + 1)];
  });
  return { annotations: Object.fromEntries(pairs) };
}
