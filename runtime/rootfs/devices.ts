/** Device nodes and the links in /dev that programs expect, made in the container's own /dev. */
import { idMapping, USER_NAMESPACE, type OciConfig, type OciDevice } from '../bundle.ts';
import { byHost } from './id-map.ts';
import { isBind, isOwnDev } from './mounts.ts';
import { containerStep, type ContainerStep } from './step.ts';

/** A /dev that was mounted from outside (`-v /dev:/dev`) is somebody else's: nothing is made in it. */
export function deviceSteps(config: OciConfig): readonly ContainerStep[] {
  if (config.mounts.some((mount) => mount.destination === '/dev' && isBind(mount))) return [];
  return [...config.linux.devices.map((device) => giveNode(config, device)), ...linkSteps(config)];
}

/** For a container with its own user namespace the host makes the nodes, in the /dev that it makes for it. */
function giveNode(config: OciConfig, device: OciDevice): ContainerStep {
  const mapping = idMapping(config);
  if (mapping === undefined) {
    return (config.annotations?.[USER_NAMESPACE] === 'true' ? lendNode : makeNode)(config, device);
  }
  const inOwnDev = device.path.startsWith('/dev/') && config.mounts.some(isOwnDev);
  if (!inOwnDev || device.path.slice('/dev/'.length).includes('/'))
    return byHost(config, lendNode(config, device));
  const { uid, gid } = device;
  const owned = { ...device, uid: mapping.hostID + uid, gid: mapping.hostID + gid };
  return byHost(config, makeNode(config, owned));
}

function makeNode({ root }: OciConfig, device: OciDevice): ContainerStep {
  const { path, type, major, minor, fileMode, uid, gid } = device;
  return containerStep(
    `rootfs.device:${path}`,
    'rootfs',
    { kind: 'mknod', path: root.path + path, type, major, minor, mode: fileMode, uid, gid },
    {
      title: `Make ${path}`,
      why: PURPOSE[path] ?? `The kernel’s driver ${major}:${minor}, given to this container on request.`,
      without: 'Opening it fails: No such file or directory.',
      observe: ['ls', '-l', path],
    },
  );
}

/** Of the device that the host has under this name: nobody may make a node in a user namespace. */
function lendNode({ root }: OciConfig, { path, hostPath = path, major, minor }: OciDevice): ContainerStep {
  return containerStep(
    `rootfs.device:${path}`,
    'rootfs',
    { kind: 'mount', source: hostPath, target: root.path + path, type: '', options: ['bind', 'private'] },
    {
      title: `Lend ${path}`,
      why:
        `${PURPOSE[path] ?? `The kernel’s driver ${String(major)}:${String(minor)}, given to this container on request.`} ` +
        'Root of a user namespace may not make nodes (mknod(2): EPERM), so the one that is here is mounted.',
      without: 'Opening it fails: No such file or directory.',
      observe: ['ls', '-l', path],
    },
  );
}

const PURPOSE: Readonly<Record<string, string>> = {
  '/dev/null':
    'Swallows what is written and reads as empty; a shell’s background job fails to start without it.',
  '/dev/zero': 'Reads as endless zero bytes; some programs map memory from it.',
  '/dev/full': 'Every write fails with “no space left”, which is how programs test that they notice.',
  '/dev/random': 'Random numbers from the kernel; key generation needs them.',
  '/dev/urandom': 'Random numbers from the kernel, without ever waiting.',
  '/dev/tty': 'The controlling terminal of the process that opens it; programs ask for passwords there.',
};

/** [path, target, why] */
const LINKS: readonly (readonly [string, string, string])[] = [
  [
    '/dev/ptmx',
    'pts/ptmx',
    'Opening it makes a new pseudo-terminal, in the container’s own devpts rather than the host’s.',
  ],
  ['/dev/fd', '/proc/self/fd', 'A process’s open files by number, for shells’ <(command).'],
  ['/dev/stdin', '/proc/self/fd/0', 'Standard input as a file name, for programs that only take file names.'],
  [
    '/dev/stdout',
    '/proc/self/fd/1',
    'Standard output as a file name: images log to it (nginx links its access log here).',
  ],
  ['/dev/stderr', '/proc/self/fd/2', 'Standard error as a file name, for error logs.'],
];

function linkSteps({ root }: OciConfig): readonly ContainerStep[] {
  return LINKS.map(([path, target, why]) =>
    containerStep(
      `rootfs.link:${path}`,
      'rootfs',
      { kind: 'symlink', target, path: root.path + path },
      {
        title: `Link ${path} to ${target}`,
        why,
        without: 'Programs that open this name fail: No such file or directory.',
        observe: ['ls', '-l', path],
      },
    ),
  );
}
