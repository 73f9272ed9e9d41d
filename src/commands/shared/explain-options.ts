/** The flags of --explain, for verbs with steps. */
import { Option, type Command } from 'commander';

/** `dryRun` and `step` where the verb can do them. */
export function defineExplainFlags(
  command: Command,
  { dryRun = false, step = false }: { readonly dryRun?: boolean; readonly step?: boolean },
): void {
  command.addOption(
    new Option(
      '--explain [how]',
      'Show each step as it is done: command, reason, what breaks without it, undo, look (=short, =json)',
    ).preset('full'),
  );
  if (dryRun) command.option('--dry-run', 'Show the same steps and do nothing');
  if (step) command.option('--step', 'Wait before each step, and show the state before and after it');
}
