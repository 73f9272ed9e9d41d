/**
 * The freezer: one write stops every process of a control group where it stands, another lets all go on. Nothing in
 * the group notices, not even its PID 1, since no signal is sent; a frozen process takes no signal until it is thawed
 * (version 2 makes an exception of SIGKILL).
 *
 *     version 2   cgroup.freeze  0 or 1           cgroup.events tells "frozen 1" once all have stopped
 *     version 1   freezer.state  THAWED, FROZEN   reads FREEZING until all have stopped
 *
 * Source: cgroup-v2.rst, cgroup-v1/freezer-subsystem.rst.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { delay } from '../io/delay.ts';
import type { HostStep } from '../plan/step.ts';
import { errnoOf } from '../syscall/error.ts';
import { cgroupLayout, type CgroupLayout } from './detect.ts';

interface Freezer {
  readonly file: string;
  readonly on: string;
  readonly off: string;
  /** Where the kernel says that all have stopped, and the line by which it does. */
  readonly settled: { readonly file: string; readonly line: string };
}

/** undefined on version 1 without a freezer. */
function freezerOf(cgroupsPath: string, layout: CgroupLayout): Freezer | undefined {
  if (layout.version === 2) {
    const directory = layout.mount + cgroupsPath;
    const settled = { file: `${directory}/cgroup.events`, line: 'frozen 1' };
    return { file: `${directory}/cgroup.freeze`, on: '1', off: '0', settled };
  }
  const mount = layout.controllers['freezer'];
  if (mount === undefined) return undefined;
  const file = `${mount}${cgroupsPath}/freezer.state`;
  return { file, on: 'FROZEN', off: 'THAWED', settled: { file, line: 'FROZEN' } };
}

/** Whether the group is frozen, or about to be. */
export function isFrozen(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): boolean {
  const freezer = freezerOf(cgroupsPath, layout);
  const state = freezer && linesOf(freezer.file)[0];
  return state !== undefined && state !== freezer?.off;
}

/** @throws MinidockError 'CGROUP_CONTROLLER_MISSING' on version 1 without a freezer. */
export function planFreeze(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): readonly HostStep[] {
  const { file, on, off, settled } = requireFreezer(cgroupsPath, layout);
  return [
    {
      id: 'cgroup.freeze',
      section: 'cgroup',
      title: 'Freeze all processes of the container',
      why:
        'The kernel stops each process of the group the next time it would return to its own code, those in groups ' +
        'below it included. No signal is sent, so no program can notice, refuse or handle it.',
      without: 'SIGSTOP would stop one process at a time, and tell its parent; PID 1 could go on forking.',
      command: { kind: 'write', path: file, text: on },
      undo: { kind: 'command', command: { kind: 'write', path: file, text: off } },
      observe: ['cat', file],
    },
    {
      id: 'cgroup.settle',
      section: 'cgroup',
      title: 'Wait until all have stopped',
      why: 'A process that waits for a disk stops a moment later, when the kernel gives it back the processor.',
      without: 'A program could still write after the container counts as paused.',
      command: {
        kind: 'run',
        argv: ['sh', '-c', `until grep -qx '${settled.line}' ${settled.file}; do sleep 0.01; done`],
      },
      undo: { kind: 'none', why: 'waiting changes nothing' },
      observe: ['cat', settled.file],
    },
  ];
}

/** Of a group that may not be frozen. */
export function planThaw(cgroupsPath: string, layout: CgroupLayout = cgroupLayout()): readonly HostStep[] {
  const { file, on, off } = requireFreezer(cgroupsPath, layout);
  return [
    {
      id: 'cgroup.thaw',
      section: 'cgroup',
      title: 'Let the processes go on',
      why: 'Each goes on with the instruction it was stopped at, and takes the signals that came meanwhile.',
      without: 'A signal that was sent would not be delivered, and nothing in the container would run again.',
      command: { kind: 'write', path: file, text: off },
      undo: { kind: 'command', command: { kind: 'write', path: file, text: on } },
      observe: ['cat', file],
    },
  ];
}

/** Milliseconds. */
const PATIENCE = 5_000;

/** Resolves once every process of the group has stopped; false where one of them has not in time. */
export async function untilFrozen(
  cgroupsPath: string,
  layout: CgroupLayout = cgroupLayout(),
): Promise<boolean> {
  const { file, on, settled } = requireFreezer(cgroupsPath, layout);
  for (const end = Date.now() + PATIENCE; Date.now() < end; await delay(1)) {
    if (linesOf(settled.file).includes(settled.line)) return true;
    // On version 1 a process that was forked meanwhile is frozen by another write.
    if (layout.version === 1) writeFileSync(file, on);
  }
  return false;
}

function requireFreezer(cgroupsPath: string, layout: CgroupLayout): Freezer {
  const freezer = freezerOf(cgroupsPath, layout);
  if (freezer !== undefined) return freezer;
  throw new MinidockError({
    code: 'CGROUP_CONTROLLER_MISSING',
    message: 'the "freezer" cgroup controller is not available here, so nothing can be paused',
    hint: 'mkdir /sys/fs/cgroup/freezer && mount -t cgroup -o freezer freezer /sys/fs/cgroup/freezer',
  });
}

/** None of a group that is not there, or not any more (ENODEV). */
function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENODEV') return [];
    throw error;
  }
}
