/**
 * A volume with a file system of its own (`volume create -o type=tmpfs …`), as a command and as one would type it. The
 * file system is mounted on the volume's directory, on the host, while containers use it: the first one mounts, the
 * last one unmounts. A directory holds one file for each container that uses it; flock(2) on it is the lock.
 */
import type { Argv } from '../plan/argv.ts';
import { quoteWord, renderArgv } from '../plan/quote.ts';

export interface VolumeMount {
  readonly kind: 'mount-volume';
  /** As the administrator wrote them: device, type and the option words of mount(8), with commas. */
  readonly source: string;
  readonly type: string;
  readonly options: string;
  readonly target: string;
  /** The directory with a file for each user. */
  readonly users: string;
  /** The container's id. */
  readonly user: string;
}

export interface VolumeUnmount extends Pick<VolumeMount, 'target' | 'users' | 'user'> {
  readonly kind: 'unmount-volume';
}

/** The words of mount(2). */
export type FileSystem = Pick<VolumeMount, 'source' | 'type' | 'options' | 'target'>;

/** Seconds that a server on the network has to answer. */
export const SERVER_PATIENCE = 15;

/** mount(2) of these waits for a server, so it is left to a process that can be killed meanwhile. */
export const isRemote = (type: string): boolean => /^(nfs4?|cifs|smb3|ceph|afs|9p)$/.test(type);

/** The options around the name of a server, for which the kernel takes an address only. */
export function serverIn({
  type,
  options,
}: Pick<VolumeMount, 'type' | 'options'>):
  { readonly before: string; readonly name: string; readonly after: string } | undefined {
  const [, before = '', name = '', after = ''] = /^((?:.*,)?addr=)([^,]*)(.*)$/s.exec(options) ?? [];
  const isName = /^[a-z0-9_.-]+$/i.test(name) && /[^0-9.]/.test(name);
  return isRemote(type) && isName ? { before, name, after } : undefined;
}

/** Without a helper (-i): the kernel gets these options and no others. `options`: with the server's address. */
export const remoteArgv = ({ source, type, target }: FileSystem, options: string): Argv => [
  ...REMOTE,
  type,
  ...(options === '' ? [] : ['-o', options]),
  source,
  target,
];

const REMOTE = ['timeout', '-s', 'KILL', String(SERVER_PATIENCE), 'mount', '-i', '-t'] as const;

/** The mount alone. */
export function renderFileSystem(fileSystem: FileSystem): string {
  const { source, type, options, target } = fileSystem;
  if (!isRemote(type))
    return renderArgv(['mount', '-t', type, ...(options === '' ? [] : ['-o', options]), source, target]);
  const server = serverIn(fileSystem);
  if (server === undefined) return renderArgv(remoteArgv(fileSystem, options));
  const { before, name, after } = server;
  const address = `"$(getent ahosts ${quoteWord(name)} | head -n 1 | cut -d ' ' -f 1)"`;
  const words = `${quoteWord(before)}${address}${after === '' ? '' : quoteWord(after)}`;
  return [renderArgv([...REMOTE, type, '-o']), words, renderArgv([source, target])].join(' ');
}

/** With who uses it: the first one mounts, the last one unmounts. */
export const renderVolume = (command: VolumeMount | VolumeUnmount): string =>
  command.kind === 'mount-volume' ? renderVolumeMount(command) : renderVolumeUnmount(command);

function renderVolumeMount(command: VolumeMount): string {
  const { users, user, target } = command;
  const note = `mkdir -p ${quoteWord(users)} && touch ${quoteWord(`${users}/${user}`)}`;
  return `${note} && { mountpoint -q ${quoteWord(target)} || ${renderFileSystem(command)}; }`;
}

function renderVolumeUnmount({ users, user, target }: VolumeUnmount): string {
  const directory = quoteWord(users);
  const others = `[ -n "$(ls -A ${directory} 2>/dev/null)" ]`;
  const last = `! mountpoint -q ${quoteWord(target)} || umount --lazy ${quoteWord(target)}; rm -df ${directory}`;
  return `rm -f ${quoteWord(`${users}/${user}`)}; ${others} || { ${last}; }`;
}
