/**
 * A container's processes as the host numbers them and as the container does, with the two of minidock's own above
 * them: the shim, and the unshare(1) that is the parent of PID 1. Out of /proc/PID/status, see proc(5).
 */
import { cgroupProcesses } from '../../../runtime/cgroup/processes.ts';
import { cgroupsPath } from '../../engine/state/paths.ts';
import { isSameProcess } from '../../engine/state/process-identity.ts';
import type { Container } from '../../engine/state/store.ts';
import { commandOf, readProcess } from '../host/processes.ts';
import { hasProgram } from '../../engine/spec/container.ts';

export interface HostProcess {
  readonly Pid: number;
  /** In the container's PID namespace; 0 for what is outside of it. */
  readonly InnerPid: number;
  readonly Parent: number;
  readonly Role: 'shim' | 'parent of PID 1' | 'PID 1' | 'process';
  readonly Command: string;
}

/** The shim first, then each process after its parent. */
export function processTree({ config, state }: Container): readonly HostProcess[] {
  if (!hasProgram(state)) return [];
  const found = new Map<number, HostProcess>();
  const add = (pid: number, role: HostProcess['Role']): void => {
    const status = readStatus(pid);
    if (status === undefined || found.has(pid)) return;
    found.set(pid, {
      Pid: pid,
      InnerPid: status.inner,
      Parent: status.parent,
      Role: role,
      Command: commandOf(pid),
    });
  };
  if (isSameProcess(state.shimPid, state.shimStartTime)) add(state.shimPid, 'shim');
  const first = readStatus(state.pid);
  if (first !== undefined && first.parent > 1 && first.parent !== state.shimPid)
    add(first.parent, 'parent of PID 1');
  if (first !== undefined) add(state.pid, 'PID 1');
  for (const pid of cgroupProcesses(cgroupsPath(config))) add(pid, 'process');
  return inTreeOrder([...found.values()]);
}

function inTreeOrder(all: readonly HostProcess[]): readonly HostProcess[] {
  const known = new Set(all.map(({ Pid }) => Pid));
  const below = (parent: HostProcess): readonly HostProcess[] => [
    parent,
    ...all.filter(({ Parent }) => Parent === parent.Pid).flatMap(below),
  ];
  return all.filter(({ Parent }) => !known.has(Parent)).flatMap(below);
}

/** The depth in the process tree, for an indented list. */
export function depthOf(process: HostProcess, all: readonly HostProcess[]): number {
  const parent = all.find(({ Pid }) => Pid === process.Parent);
  return parent === undefined ? 0 : 1 + depthOf(parent, all);
}

function readStatus(pid: number): { readonly parent: number; readonly inner: number } | undefined {
  const text = readProcess(pid, 'status');
  if (text === '') return undefined;
  const parent = Number(/^PPid:\s+(\d+)/m.exec(text)?.[1] ?? 0);
  // One PID for each of its PID namespaces, ours first.
  const numbers = (/^NSpid:\s+(.+)$/m.exec(text)?.[1] ?? '').split(/\s+/).map(Number);
  return { parent, inner: numbers.length > 1 ? (numbers.at(-1) ?? 0) : 0 };
}
