/**
 * The table of contents of what PID 1 does between its birth and the program's: every step in order. init.ts
 * performs them one by one, `--explain` prints them, so what is printed is what is done.
 *
 *     process     limits first, while the host's cgroup file system can still be reached
 *     rootfs      mounts, each resolved inside the new root; then that root replaces the host's
 *     isolation   host name, kernel files, the read-only root
 *     process     user, directory, terminal; from `waitsForGo` on only once the network is up; exec
 *
 * Pure but for asking where the host keeps its cgroup hierarchies and, for `--init`, an init.
 */
import { idMapping, type OciConfig } from '../bundle.ts';
import { cgroupProcsFiles } from '../cgroup/processes.ts';
import { deviceSteps } from '../rootfs/devices.ts';
import { kernelFileSteps } from '../rootfs/kernel-files.ts';
import { initMount } from '../rootfs/init-binary.ts';
import { mountSteps } from '../rootfs/mounts.ts';
import { overlaySteps } from '../rootfs/overlay.ts';
import { pivotSteps, readonlyRootSteps, verifyStep } from '../rootfs/pivot.ts';
import { containerStep, type ContainerStep } from '../rootfs/step.ts';
import {
  identitySteps,
  lookAtGroup,
  prepareProcessSteps,
  setOomScore,
  joinKeyring,
  keyringOf,
} from './process-steps.ts';

export interface ContainerStepsOptions {
  /** The cgroup.procs files to join; found by looking at the host's mounts when left out. */
  readonly cgroupProcs?: readonly string[];
}

export function containerSteps(
  config: OciConfig,
  options: ContainerStepsOptions = {},
): readonly ContainerStep[] {
  const mapped = idMapping(config) !== undefined;
  const procs = mapped ? [] : (options.cgroupProcs ?? cgroupProcsFiles(config.linux.cgroupsPath));
  return [
    ...cgroupSteps(config, procs),
    ...joinNetns(config),
    joinKeyring('process.join-keyring', keyringOf(config)),
    ...(mapped ? [] : oomSteps(config)),
    ...overlaySteps(config),
    ...mountSteps(withInit(config)),
    ...deviceSteps(config),
    ...kernelFileSteps(config),
    ...pivotSteps(config),
    ...(config.linux.namespaces.some(({ type }) => type === 'uts') ? nameSteps(config) : []),
    ...prepareProcessSteps(config.process, { console: '/dev/console', makeCwd: true }),
    ...readonlyRootSteps(config),
    verifyStep(config),
    ...identitySteps(config.process, config.linux.seccomp),
  ];
}

/** `--init`: the program's arguments begin with it already, only the file is missing from the image. */
const withInit = (config: OciConfig): OciConfig =>
  config.annotations?.['minidock.init'] === 'true'
    ? { ...config, mounts: [...config.mounts, initMount()] }
    : config;

/** From this step on the program's own powers apply; it, and all after it, wait for the supervisor's 'go'. */
export const waitsForGo = ({ command }: ContainerStep): boolean =>
  command.kind === 'load-seccomp' || command.kind === 'set-identity' || command.kind === 'exec';

function cgroupSteps(config: OciConfig, procs: readonly string[]): readonly ContainerStep[] {
  const join = containerStep(
    'process.join-cgroup',
    'process',
    { kind: 'join-cgroup', procs },
    {
      title: 'Move into the container’s cgroup',
      why:
        'From here on memory, processor time and processes are counted and limited for the container as a whole. ' +
        "It comes first, so that the caller's group pays for nothing.",
      without: 'The limits hold for an empty group; the program runs in the caller’s group, without limits.',
      ...lookAtGroup(procs),
    },
  );
  const unshare = containerStep(
    'process.unshare-cgroup',
    'process',
    { kind: 'unshare-cgroup' },
    {
      title: 'Enter a new cgroup namespace',
      why:
        'The cgroup just joined becomes “/” as seen from inside. It must come after joining, or the namespace ' +
        'would be rooted in the caller’s cgroup.',
      without: 'The container sees the host’s whole tree of groups and its place in it.',
      observe: ['cat', '/proc/self/cgroup'],
    },
  );
  const own = config.linux.namespaces.some(({ type, path }) => type === 'cgroup' && path === undefined);
  return [...(procs.length === 0 ? [] : [join]), ...(own ? [unshare] : [])];
}

function joinNetns({ linux }: OciConfig): readonly ContainerStep[] {
  return linux.namespaces.flatMap(({ type, path }) =>
    type !== 'network' || path === undefined
      ? []
      : [
          containerStep(
            'process.join-netns',
            'process',
            { kind: 'join-netns', path },
            {
              title: 'Enter the network namespace',
              why:
                'It was made and wired under its name while this process was being started; from here on the ' +
                'process sees only its interfaces, addresses and ports (setns(2)).',
              without: 'The program runs in the host’s network, beside the namespace that was made for it.',
              observe: ['readlink', '/proc/self/ns/net'],
            },
          ),
        ],
  );
}

const oomSteps = ({ process }: OciConfig): readonly ContainerStep[] =>
  process.oomScoreAdj === undefined ? [] : [setOomScore(process.oomScoreAdj)];

function nameSteps(config: OciConfig): readonly ContainerStep[] {
  const host = containerStep(
    'isolation.set-hostname',
    'isolation',
    { kind: 'set-hostname', hostname: config.hostname },
    {
      title: `Name the container ${config.hostname}`,
      why: 'sethostname(2) acts on the UTS namespace of the caller: the host keeps its name.',
      without: 'Prompts and logs show the host’s name, not the container’s.',
      observe: ['hostname'],
    },
  );
  if (config.domainname === undefined) return [host];
  const domain = containerStep(
    'isolation.set-domainname',
    'isolation',
    { kind: 'set-domainname', domainname: config.domainname },
    {
      title: `Set the NIS domain to ${config.domainname}`,
      why: 'The second name of a UTS namespace (setdomainname(2)), used by NIS and shown by uname.',
      without: 'The container keeps the host’s.',
      observe: ['cat', '/proc/sys/kernel/domainname'],
    },
  );
  return [host, domain];
}
