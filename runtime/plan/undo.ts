/**
 * Takes back what the journal of a container lists, in reverse order (the firewall's part beside the rest), going on
 * past errors and reporting them all.
 * Needs neither the plan nor the process that carried it out.
 */
import { span } from '../trace.ts';
import type { HostCommand } from './command.ts';
import type { Journal, JournalEntry } from './journal.ts';
import { CommandError, performHostCommand } from './perform-host.ts';
import { renderCommand } from './render.ts';
import type { StepId } from './step.ts';

export interface UndoReport {
  /** Ids of steps taken back, in the order it was done. */
  readonly undone: readonly StepId[];
  readonly failures: readonly { readonly id: StepId; readonly message: string }[];
}

/**
 * Undoes everything in the journal, last step first, and removes the journal if all of it succeeded.
 * What is gone already counts as undone.
 */
export async function undoJournal(journal: Journal): Promise<UndoReport> {
  const report = await undoEntries([...journal.read()].reverse());
  if (report.failures.length === 0) journal.remove();
  return report;
}

/** In this order. */
export async function undoEntries(entries: readonly JournalEntry[]): Promise<UndoReport> {
  // The firewall's part and the rest do not know of each other, and both wait for the kernel.
  // Flows are forgotten last: a port that is still published makes new ones.
  const firewall = [...entries.filter(isFirewall), ...entries.filter(isFlows)];
  const rest = entries.filter((entry) => !isFirewall(entry) && !isFlows(entry));
  const results = new Map((await Promise.all([undoRow(firewall), undoRow(rest)])).flat());
  const undone: StepId[] = [];
  const failures: { id: StepId; message: string }[] = [];
  for (const entry of entries) {
    const message = results.get(entry);
    if (message === undefined) undone.push(entry.id);
    else failures.push({ id: entry.id, message });
  }
  return { undone, failures };
}

const isFirewall = ({ undo }: JournalEntry): boolean =>
  undo?.kind === 'run' && ['nft', 'iptables', 'ip6tables'].includes(undo.argv[0]);
const isFlows = ({ undo }: JournalEntry): boolean => undo?.kind === 'forget-flows';

/** One after the other; returns each error, or undefined. */
async function undoRow(
  entries: readonly JournalEntry[],
): Promise<readonly (readonly [JournalEntry, string | undefined])[]> {
  const results: [JournalEntry, string | undefined][] = [];
  for (const group of groupForUndo(entries)) {
    const together = group.length > 1 && (await undoTogether(group));
    for (const entry of group) results.push([entry, together ? undefined : await undoEntry(entry)]);
  }
  return results;
}

/** One line for an error message. */
export function describeUndo(report: UndoReport): string {
  if (report.failures.length === 0)
    return report.undone.length === 0 ? 'nothing had been changed' : 'undone: everything done so far';
  const left = report.failures.map((failure) => `${failure.id} (${failure.message})`).join('; ');
  return `undone as far as possible; left behind: ${left}`;
}

/**
 * Neighbouring deletions of nft go in one transaction, since each waits for a grace period of some 20 ms. It is all
 * or nothing: where one of them is gone already, they are done one by one.
 */
function groupForUndo(entries: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] {
  const groups: JournalEntry[][] = [];
  for (const entry of entries) {
    const last = groups.at(-1);
    if (last !== undefined && nftWords(last[0]) !== undefined && nftWords(entry) !== undefined)
      last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

function nftWords(entry: JournalEntry | undefined): string | undefined {
  if (entry?.undo?.kind !== 'run' || entry.undo.input !== undefined) return undefined;
  const [program, ...words] = entry.undo.argv;
  return program === 'nft' ? words.join(' ') : undefined;
}

async function undoTogether(group: readonly JournalEntry[]): Promise<boolean> {
  const input = `${group.map(nftWords).join('\n')}\n`;
  const ids = group.map(({ id }) => id);
  try {
    const together = { kind: 'run', argv: ['nft', '-f', '-'], input } as const;
    await span('undo', ids.join(' + '), () => performHostCommand(together), {
      steps: ids,
      commands: group.map(({ undo }) => undo),
    });
    return true;
  } catch {
    // One by one they show which failed, and which were already gone.
    return false;
  }
}

async function undoEntry(entry: JournalEntry): Promise<string | undefined> {
  const { id, undo } = entry;
  if (undo === undefined) return undefined;
  return span('undo', id, () => undoCommand(undo), { steps: [id], commands: [undo] });
}

/** The error, or undefined; what is gone already counts as undone. */
export async function undoCommand(undo: HostCommand): Promise<string | undefined> {
  try {
    await performHostCommand(undo);
    return undefined;
  } catch (error) {
    return isGone(undo, error) ? undefined : (error as Error).message;
  }
}

/** The words of ip, nft, iptables and the kernel for "there is no such thing". */
export const GONE =
  /No such file or directory|Cannot find device|No such process|does not exist|does a matching rule exist|No chain\/target\/match|ENOENT|Cannot assign requested address|ENODEV|No such device|not mounted|no mount point specified/i;

function isGone(command: HostCommand, error: unknown): boolean {
  return error instanceof CommandError && renderCommand(command) === error.command && GONE.test(error.stderr);
}
