/** For verbs with several names: reports each failure and continues, as Docker does. */
import { span } from '../../../runtime/trace.ts';
import type { Context } from './verb.ts';
import { stdout } from '../../io/standard-streams.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';

/** Concurrently; the output keeps the order of the names. `slow`: what a spinner says of one that takes its time. */
export async function forEachName(
  context: Context,
  names: readonly string[],
  action: (name: string) => Promise<string | undefined>,
  slow?: string,
): Promise<void> {
  const running = names.map((name) =>
    span('work', name, () => action(name)).then(
      (text) => ({ text }),
      (error: unknown) => ({ error }),
    ),
  );
  for (const [index, outcome] of running.entries()) {
    const result = await (slow === undefined
      ? outcome
      : withSpinner(`${slow} ${names[index] ?? ''}`, () => outcome, { after: WHILE }));
    if ('error' in result) await context.report(result.error);
    else if (result.text !== undefined) stdout.write(`${result.text}\n`);
  }
}

/** The same, one after the other. */
export async function forEachInTurn(
  context: Context,
  names: readonly string[],
  action: (name: string) => Promise<string | undefined>,
): Promise<void> {
  for (const name of names) await forEachName(context, [name], action);
}
