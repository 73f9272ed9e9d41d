/**
 * Undoes one run of a container: the steps of its journal, and the steps it should list if it is damaged or lost.
 *
 * The plan is data: planned again for the same container, it names the same undos. They are carried out beside those of
 * the journal when lines of it are unreadable, when it lacks steps that a program cannot have run without, or when the
 * kernel still has something of the container after all.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { netnsPath, netnsName } from '../../runtime/network/names.ts';
import { describeGroup, groupPorts } from '../../runtime/network/firewall/port-groups.ts';
import { ports4, ports6 } from '../../runtime/network/firewall/ports6.ts';
import { Journal, type JournalEntry } from '../../runtime/plan/journal.ts';
import { undoEntries, type UndoReport } from '../../runtime/plan/undo.ts';
import type { NetworkState } from './spec/container.ts';
import { containerRunDir, type Paths } from './state/paths.ts';
import type { Run } from './run.ts';

export const journalPath = (paths: Paths, id: string): string => join(containerRunDir(paths, id), 'journal');

export async function undoRun(paths: Paths, run: Run): Promise<UndoReport> {
  const { id } = run.config;
  const undos = await undosOf(paths, run);
  const first = await undoEntries(undos);
  const left = existsSync(netnsPath(netnsName(id))) ? await missingFrom(undos, paths, run) : [];
  const report = left.length === 0 ? first : await undoEntries(left);
  if (report.failures.length === 0) new Journal(journalPath(paths, id)).remove();
  return report;
}

/** What is to be taken back, in that order. */
export async function undosOf(paths: Paths, run: Run): Promise<readonly JournalEntry[]> {
  const journal = new Journal(journalPath(paths, run.config.id));
  const entries = [...journal.read()].reverse();
  const isWhole = journal.damage === undefined && (!run.ran || isComplete(entries, run.network));
  return isWhole ? entries : [...entries, ...(await missingFrom(entries, paths, run))];
}

async function missingFrom(
  entries: readonly JournalEntry[],
  paths: Paths,
  run: Run,
): Promise<readonly JournalEntry[]> {
  const { expectedUndos } = await import('./expected-undos.ts');
  return expectedUndos(paths, run)
    .filter(({ id }) => !entries.some((entry) => entry.id === id))
    .reverse();
}

export function isComplete(entries: readonly JournalEntry[], network: NetworkState | undefined): boolean {
  const redirected = network === undefined ? [] : [...ports4(network), ...ports6(network)];
  const ports = groupPorts(redirected).map((group) => `port.publish:${describeGroup(group)}`);
  return ['process.start', ...ports].every((id) => entries.some((entry) => entry.id === id));
}
