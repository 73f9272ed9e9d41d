/**
 * The mounts of the bundle, in its order, as steps. Destinations are spelt below the root's path, as PID 1 sees
 * them before pivot_root(2), and are resolved inside that root when they are mounted on (in-root.ts).
 *
 * Deliberately absent: choosing what to mount. That is the engine's, with defaults.ts.
 */
import { idMapping, type OciConfig, type OciMount } from '../bundle.ts';
import { MinidockError } from '../errors.ts';
import { byHost, idMapWord } from './id-map.ts';
import { mayCoverInProc } from './safe-target.ts';
import { containerStep, type ContainerStep, type StepWords } from './step.ts';

export function mountSteps(config: OciConfig): readonly ContainerStep[] {
  return config.mounts.flatMap((asked) => {
    refuseUnsafe(asked);
    const mount = mapped(asked, config);
    const verb = mount.options.includes('remount') ? 'remount' : 'mount';
    const step = containerStep(
      `rootfs.${verb}:${mount.destination}`,
      'rootfs',
      {
        kind: 'mount',
        source: mount.source,
        target: config.root.path + mount.destination,
        type: isBind(mount) ? '' : mount.type,
        options: mount.options,
      },
      words(mount),
    );
    const isHosts = !mount.options.includes('remount') && (isBind(mount) || isOwnDev(mount));
    return [isHosts ? byHost(config, step) : step, ...controllerLinks(mount, config)];
  });
}

/** The one with the device nodes, which only the machine's root may make. */
export const isOwnDev = ({ destination, type }: OciMount): boolean =>
  destination === '/dev' && type === 'tmpfs';

/** With a user namespace of its own, what is mounted for the container has the container's ids. */
function mapped(mount: OciMount, config: OciConfig): OciMount {
  const mapping = idMapping(config);
  if (mapping === undefined || mount.options.includes('remount')) return mount;
  const root = String(mapping.hostID);
  if (isBind(mount)) return { ...mount, options: [...mount.options, idMapWord(mapping)] };
  if (isOwnDev(mount)) return { ...mount, options: [...mount.options, `uid=${root}`, `gid=${root}`] };
  return mount;
}

export const isBind = (mount: OciMount): boolean =>
  mount.type === 'bind' || mount.options.some((word) => /^r?bind$|^remount$/.test(word));

/**
 * Something else mounted inside /proc could pose as one of the files that PID 1 trusts while it sets the container
 * up (CVE-2019-19921); runc refuses it too.
 */
function refuseUnsafe(mount: OciMount): void {
  const place = mount.destination.replace(/\/+$/, '');
  if (!place.startsWith('/') && mount.destination !== '/') {
    throw new MinidockError({
      code: 'BAD_MOUNT',
      message: `mount point "${mount.destination}" is not an absolute path`,
    });
  }
  if ((/^\/proc\//.test(place) && !mayCoverInProc(place)) || (place === '/proc' && mount.type !== 'proc')) {
    throw new MinidockError({
      code: 'BAD_MOUNT',
      message: `"${mount.destination}" cannot be mounted on because it is inside /proc`,
      hint: 'Mount it elsewhere: /proc is the kernel’s own view of the container.',
    });
  }
  if (place === '') {
    throw new MinidockError({
      code: 'BAD_MOUNT',
      message: 'invalid mount point: the container’s root cannot be mounted over',
    });
  }
  if (mount.options.some((word) => /^r?shared$/.test(word))) {
    throw new MinidockError({
      code: 'BAD_MOUNT',
      message: `shared propagation is not supported (mount on ${mount.destination})`,
      hint: 'Use rslave to see the host’s later mounts in the container.',
    });
  }
}

/** cgroup v1 mounts cpu and cpuacct together; programs look for each by its own name. */
function controllerLinks(mount: OciMount, config: OciConfig): readonly ContainerStep[] {
  const name = mount.destination.split('/').at(-1) ?? '';
  if (mount.type !== 'cgroup' || !name.includes(',')) return [];
  const directory = mount.destination.slice(0, -name.length);
  return name.split(',').map((controller) =>
    containerStep(
      `rootfs.link:${directory}${controller}`,
      'rootfs',
      { kind: 'symlink', target: name, path: `${config.root.path}${directory}${controller}` },
      {
        title: `Name the ${controller} controller`,
        why: `The kernel mounts ${name} as one hierarchy; programs look for each controller by its own name.`,
        without: 'A program that looks for the controller by its own name finds none.',
      },
    ),
  );
}

function words(mount: OciMount): StepWords {
  const { destination } = mount;
  const observe = ['grep', ` ${destination} `, '/proc/mounts'] as const;
  if (mount.options.includes('remount')) {
    return {
      title: `Change how ${destination} is mounted`,
      why: `What had to be put into it is there; from now on it is ${mount.options.at(-1) ?? 'read-only'} for the container.`,
      observe,
      without: 'It would stay writable.',
    };
  }
  if (isBind(mount)) return { ...bindWords(mount), observe };
  if (mount.type === 'cgroup' && destination !== '/sys/fs/cgroup') {
    return {
      title: `Mount the cgroup hierarchy ${destination.split('/').at(-1) ?? ''}`,
      why:
        'In a cgroup namespace of its own the container sees its own cgroup as the root of this hierarchy: its ' +
        'limits and usage, and nothing of any other container.',
      observe,
      without: 'A program that reads its limits finds none, and takes the whole machine for its own.',
    };
  }
  const known = KNOWN[destination];
  if (known !== undefined) return { ...known, observe };
  return {
    title: `Mount ${mount.type} on ${destination}`,
    why:
      mount.type === 'tmpfs'
        ? 'Memory that looks like a directory: what is written here never reaches a disk and is gone with the container.'
        : `Gives the container a ${mount.type} file system of its own at this place.`,
    without: `Nothing is mounted on ${destination}: what the image has there shows.`,
    observe,
  };
}

function bindWords({ destination, source, options }: OciMount): StepWords {
  const file = /^\/etc\/(hosts|hostname|resolv\.conf)$/.exec(destination);
  if (file !== null)
    return {
      title: `Mount ${destination}`,
      why: NETWORK_FILES[destination] ?? '',
      without: 'The image’s own file shows, which knows nothing of this container.',
    };
  if (destination === '/sbin/docker-init') {
    return {
      title: 'Lend the container an init',
      why:
        'PID 1 must reap orphans and forward signals, and most programs do not. The host’s small init is mounted ' +
        'read-only and runs the program as its child.',
      without: 'Orphans stay as zombies, and Ctrl-C may do nothing.',
    };
  }
  return {
    title: `Mount the host’s ${source} on ${destination}`,
    why:
      'A bind mount shows the same files at a second place: both sides see each other’s changes at once, and they ' +
      `outlive the container.${options.includes('ro') ? ' Read-only here, whatever it is on the host.' : ''}`,
    without:
      'The program writes into the container’s own layer, and that is gone when the container is removed.',
  };
}

const NETWORK_FILES: Readonly<Record<string, string>> = {
  '/etc/hosts':
    'Names that resolve without DNS: localhost and the container itself. The address is only known now, so the image cannot bring it.',
  '/etc/hostname': 'Where programs read at start-up the name that sethostname(2) sets.',
  '/etc/resolv.conf':
    'Which DNS server to ask. The host’s, except when that listens on the host’s loopback, which the container cannot reach.',
};

const KNOWN: Readonly<Record<string, StepWords>> = {
  '/proc': {
    title: 'Mount /proc',
    why:
      'A procfs mounted from inside the new PID namespace shows only its processes. The host’s own would show every ' +
      'process of the machine, and ps would print numbers that mean nothing in here.',
    without: 'ps, top and everything that looks at /proc/self fails, or shows the host.',
  },
  '/dev': {
    title: 'Mount an empty /dev',
    why:
      'The container gets the few harmless device nodes made below, in memory, instead of the host’s disks and ' +
      'consoles. What a program may open is limited once more by the device cgroup.',
    without: 'The image’s /dev shows, most often empty: programs find no /dev/null.',
  },
  '/dev/pts': {
    title: 'Mount pseudo-terminals of its own',
    why: 'newinstance gives the container terminals numbered from 0 that no other container can see or open.',
    without: 'ssh, screen and script fail, or reach into the host’s terminals.',
  },
  '/dev/shm': {
    title: 'Mount shared memory',
    why: 'shm_open(3) and POSIX semaphores are files here. A limit on its size keeps one container from filling the host’s memory.',
    without: 'shm_open(3) fails, and with it browsers and databases that use it.',
  },
  '/dev/mqueue': {
    title: 'Mount POSIX message queues',
    why: 'mq_overview(7): the queues of the container’s own IPC namespace, visible as files.',
    without: 'The queues can be used but not listed.',
  },
  '/sys': {
    title: 'Mount /sys',
    why:
      'sysfs describes devices and, under /sys/class/net, the network interfaces of the namespace it is mounted in. ' +
      'It is read-only because most of it is the host’s own hardware.',
    without: 'Programs that look for network interfaces or processors there find none.',
  },
  '/sys/fs/cgroup': {
    title: 'Mount the cgroup file system',
    why:
      'Lets programs, a Java or Go runtime for one, read the limits that hold for them. In a cgroup namespace the ' +
      'container’s own cgroup is the root, so nothing of other containers shows.',
    without: 'A runtime that sizes itself by its limits takes the whole machine for its own.',
  },
};
