/**
 * `doctor`: examines the host from the kernel up to the containers, and with --fix repairs what is minidock's own.
 * Examining changes nothing. After a repair it examines again, because only the state counts.
 */
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import { examineDisk } from './disk.ts';
import { examineFirewall } from './firewall.ts';
import { isCommand, ok, type Finding } from './finding.ts';
import { examineKernelLeftovers } from './kernel-leftovers.ts';
import { examineKernel } from './kernel.ts';
import { examineRecords, lostContainers } from './leftovers.ts';
import { examineNetwork } from './network.ts';
import { examinePorts } from './ports.ts';
import { examineRecordFiles } from './records.ts';
import { examineTools } from './tools.ts';
import { takeView } from './view.ts';

export interface Mended {
  readonly finding: Finding;
  /** The commands that were run; none after a failure, since the error names the command. */
  readonly commands: readonly string[];
  /** Why the repair failed. */
  readonly error?: string;
}

/** `others`: leftovers outside of containers. */
export async function examine(
  store: ContainerStore,
  backend: FirewallBackend,
  others: readonly Finding[] = [],
): Promise<readonly Finding[]> {
  const [kernel, tools, view] = await Promise.all([
    examineKernel(store.paths, backend),
    examineTools(backend),
    takeView(store),
  ]);
  const lost = lostContainers(view);
  const [network, firewall, inKernel] = await Promise.all([
    examineNetwork(view),
    examineFirewall(view, backend),
    examineKernelLeftovers(view, lost),
  ]);
  const records = examineRecordFiles(view);
  // A directory cannot be removed before what is mounted in it.
  const leftovers = [...inKernel, ...examineRecords(view, lost), ...others];
  return [
    ...kernel,
    ...tools,
    ...network,
    ...firewall.findings,
    ...examinePorts(view, firewall),
    ...(records.length === 0 ? [ok('records.whole', 'all of minidock’s files are intact')] : records),
    ...(leftovers.length === 0
      ? [ok('leftovers.none', 'no leftovers of containers that are gone')]
      : leftovers),
    ...examineDisk(store.paths, view.containers),
  ];
}

/** One after the other; continues after a failure. */
export async function mend(findings: readonly Finding[]): Promise<readonly Mended[]> {
  const results: Mended[] = [];
  for (const finding of findings) {
    if (finding.mend === undefined) continue;
    try {
      const commands = await finding.mend();
      results.push({ finding, commands: commands ?? commandsOf(finding) });
    } catch (error) {
      results.push({ finding, commands: [], error: (error as Error).message });
    }
  }
  return results;
}

const commandsOf = ({ todo = [] }: Finding): readonly string[] => todo.filter(isCommand);

export const isWell = (findings: readonly Finding[]): boolean =>
  findings.every(({ level }) => level === 'ok');
