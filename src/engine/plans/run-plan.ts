/**
 * The table of contents of a container: every step between a configuration and a running process, in order. Pure;
 * `--dry-run` prints it, the shim carries it out. The parts that may run concurrently:
 *
 *     process.start ────────────────┐
 *     cgroup, namespace, veth ──────┴─> begin ─> container (PID 1, until it is ready)
 *                                       inside + ports  ─> go ─> the container's last steps, exec
 *
 * The process needs some ten milliseconds to come up in its new namespaces, in which nothing of the container is
 * asked of it: so it is started first. Addresses, NAT and published ports are needed only when the program begins, so
 * they are set up while PID 1 builds its root filesystem.
 */
import { idMapping, type OciConfig, type OciIdMapping } from '../../../runtime/bundle.ts';
import type { CgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { planCgroup } from '../../../runtime/cgroup/plan.ts';
import { cgroupProcsFiles } from '../../../runtime/cgroup/processes.ts';
import { planBridgeEndpoint, planFurtherEndpoints, planNoneEndpoint } from '../../../runtime/network/plan.ts';
import type { ContainerCommand } from '../../../runtime/plan/command.ts';
import type { HostStep, Section, Step } from '../../../runtime/plan/step.ts';
import { containerSteps } from '../../../runtime/process/container-steps.ts';
import { stepsFromOutside } from '../../../runtime/process/from-outside.ts';
import { HANDED_BUNDLE, INHERITED, pathOf } from '../../../runtime/process/inherited.ts';
import { unshareArgv } from '../../../runtime/process/namespace-command.ts';
import { USER_NAMESPACES } from './bundle-namespaces.ts';
import type { Attachment } from '../network/attachment.ts';

export interface RunPlan {
  /** Done before the process is started (early-plan.ts); empty for most containers. */
  readonly early: readonly HostStep[];
  readonly cgroup: readonly HostStep[];
  readonly network: readonly HostStep[];
  readonly start: HostStep;
  /** With a user namespace of its own: what is done to PID 1 before it begins. */
  readonly fromOutside: readonly HostStep[];
  /** Worked out when it is asked for: PID 1 works out its own steps from the bundle, and most starts ask for no others. */
  readonly container: readonly Step<ContainerCommand>[];
  /** Its network namespace is made with PID 1, which therefore comes first. */
  readonly mapping: OciIdMapping | undefined;
}

export interface RunPlanInput {
  readonly bundle: OciConfig;
  readonly attachment: Attachment;
  readonly cgroup: CgroupLayout;
  readonly start: HostStep;
  readonly early?: readonly HostStep[];
}

export function planRun({ bundle, attachment, cgroup, start, early = [] }: RunPlanInput): RunPlan {
  const { cgroupsPath, resources } = bundle.linux;
  const mapping = idMapping(bundle);
  const mapped = mapping !== undefined;
  let container: RunPlan['container'] | undefined;
  return {
    early,
    cgroup: planCgroup(cgroupsPath, resources, cgroup),
    network: planAttachment(attachment, mapped),
    start,
    fromOutside: mapped ? stepsFromOutside(bundle, cgroupProcsFiles(cgroupsPath, cgroup)) : [],
    get container() {
      return (container ??= containerSteps(bundle));
    },
    mapping,
  };
}

/** In the order a reader should meet them. */
export const allSteps = (plan: RunPlan): readonly Step[] => [
  ...plan.early,
  ...(plan.mapping === undefined ? [] : [plan.start]),
  ...plan.network,
  ...plan.cgroup,
  ...(plan.mapping === undefined ? [plan.start] : plan.fromOutside),
  ...plan.container,
];

/**
 * The steps that must be done before PID 1 begins, and those that may be done beside it, in rows that do not wait for
 * each other. The namespace must exist first; bridge and veth pair come along because they fold into the
 * same `ip -batch`. The addresses inside and the host's firewall have nothing to do with one another.
 */
export function splitNetwork(steps: readonly HostStep[]): {
  readonly before: readonly HostStep[];
  readonly beside: readonly (readonly HostStep[])[];
} {
  const later = steps.filter(({ section }) => !BEFORE_BEGIN.includes(section));
  return {
    before: steps.filter(({ section }) => BEFORE_BEGIN.includes(section)),
    beside: [
      later.filter(({ section }) => section === 'address'),
      later.filter(({ section }) => section !== 'address'),
    ],
  };
}

const BEFORE_BEGIN: readonly Section[] = ['namespace', 'bridge', 'veth'];

export const netnsPathOf = (attachment: Attachment): string | undefined => {
  switch (attachment.kind) {
    case 'bridge':
      return `/run/netns/${attachment.endpoint.netns}`;
    case 'none':
      return `/run/netns/${attachment.netns}`;
    case 'shared':
      return attachment.netnsPath;
  }
};

/**
 * Known before the rest of the plan, so that its first steps can be carried out while that is made. `mapped`: the
 * container has a user namespace of its own, to which its network belongs.
 */
export function planAttachment(attachment: Attachment, mapped: boolean): readonly HostStep[] {
  switch (attachment.kind) {
    case 'bridge':
      return [
        ...planBridgeEndpoint(attachment.endpoint, attachment.foreign, mapped, attachment.names),
        ...planFurtherEndpoints(attachment.endpoint, attachment.more, attachment.foreign),
      ];
    case 'none':
      return planNoneEndpoint(attachment.netns, mapped);
    case 'shared':
      return [];
  }
}

export interface StartInput {
  readonly binary: string;
  readonly bundleDir: string;
  readonly socketPath: string;
  readonly cgroupsPath: string;
  /** All but the network, see startNamespaces. */
  readonly namespaces: OciConfig['linux']['namespaces'];
  /** With a user namespace of its own. */
  readonly mapping?: OciIdMapping | undefined;
}

/** The same whatever the container is: it is carried out before the rest of its plan is made. */
export function planStart(input: StartInput): HostStep {
  const { binary, bundleDir, socketPath, cgroupsPath, namespaces, mapping } = input;
  if (mapping !== undefined) return planMappedStart(cgroupsPath, mapping);
  return {
    id: 'process.start',
    section: 'process',
    title: 'Start a process in new namespaces',
    why:
      'unshare(2) gives the process its own view of mounts, host name, shared memory and process numbers, and ' +
      '--fork makes its child PID 1 of the new PID namespace.',
    without: 'The program would see, and could signal, every process of the host, and unmount its disks.',
    command: {
      kind: 'run',
      argv: unshareArgv(namespaces, { initBinary: binary, bundleDir, socketPath }),
    },
    undo: { kind: 'command', command: { kind: 'kill-cgroup', cgroupsPath } },
    observe: ['lsns', '--type', 'pid'],
  };
}

/** The program file and the socket are descriptors: see inherited.ts. */
function planMappedStart(cgroupsPath: string, mapping: OciIdMapping): HostStep {
  const command = {
    initBinary: pathOf(INHERITED.binary),
    bundleDir: HANDED_BUNDLE,
    socketPath: pathOf(INHERITED.socket),
    mapping,
  };
  return {
    id: 'process.start',
    section: 'process',
    title: 'Start a process in new namespaces, with users of its own',
    why:
      `The first one is a user namespace: its root is user ${mapping.hostID} of the machine, who owns nothing. ` +
      'That root has all capabilities over the namespaces made with it (its mounts, its network, its processes) ' +
      'and none over the rest: a process that escapes has no rights. It cannot open files of the host, so it ' +
      'inherits minidock’s program and socket as open files.',
    without: 'Root of the container is root of the machine, and only what follows keeps the two apart.',
    command: { kind: 'run', argv: unshareArgv(USER_NAMESPACES, command) },
    undo: { kind: 'command', command: { kind: 'kill-cgroup', cgroupsPath } },
    observe: ['lsns', '--type', 'user'],
  };
}
