/** The flags of --explain, for verbs with steps, and the messages of a shim that reports its steps. */
import { Option, type Command } from 'commander';
import type { MessageHandler } from '../../engine/shim/client/shim-protocol.ts';
import { stderr } from '../../io/standard-streams.ts';
import type { ShimReporter } from '../../teach/explain/shim-reporter.ts';

/** `dryRun` and `step` where the verb can do them. */
export function defineExplainFlags(
  command: Command,
  { dryRun = false, step = false }: { readonly dryRun?: boolean; readonly step?: boolean },
): void {
  command.addOption(
    new Option(
      '--explain [how]',
      'Show each step as it is done: =chapters, =steps (default), =all, =short or =json',
    ).preset('steps'),
  );
  if (dryRun) command.option('--dry-run', 'Show the same steps and do nothing');
  if (step) command.option('--step', 'Wait before each step, and show the state before and after it');
}

/** Prints a shim's messages while it starts a container: warnings at once, steps with --explain. */
export function showShimMessages(reporter: ShimReporter | undefined): MessageHandler {
  return (message, answer) => {
    if (message.type === 'warning') stderr.write(`WARNING: ${message.text}\n`);
    reporter?.onMessage(message, answer);
  };
}
