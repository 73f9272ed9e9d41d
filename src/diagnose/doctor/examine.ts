/**
 * `doctor`: the host looked over from the kernel up to the containers, and what is minidock's own mended where asked.
 * Looking changes nothing. Mending is followed by another look: what counts is how things are, not what was tried.
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
  /** What was done, as one would type it; none where it failed, since the error names the command. */
  readonly commands: readonly string[];
  /** Why it could not be mended. */
  readonly error?: string;
}

/** `others`: leftovers of what is not a container. */
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
    ...(records.length === 0 ? [ok('records.whole', 'every file of minidock’s own is whole')] : records),
    ...(leftovers.length === 0
      ? [ok('leftovers.none', 'nothing is left of containers that are gone')]
      : leftovers),
    ...examineDisk(store.paths, view.containers),
  ];
}

/** One after the other, going on past what fails. */
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
