/**
 * A spinner for work without progress: unpacking an archive, a container that takes its time to stop. Only on a
 * terminal, and ora is loaded only there, once the spinner is due. The line disappears when the work is done.
 */
import type { Ora } from 'ora';
import { stderr, type StandardStream } from '../io/standard-streams.ts';

export interface SpinnerOptions {
  /** Nothing is shown with -q. */
  readonly quiet?: boolean;
  /** Milliseconds before it shows: WHILE for work that is over sooner most times. */
  readonly after?: number;
  readonly stream?: Pick<StandardStream, 'isTTY' | 'columns' | 'asNodeStream'>;
}

/** A person starts to wonder. */
export const WHILE = 1000;

export async function withSpinner<T>(
  text: string,
  work: (say: (text: string) => void) => Promise<T>,
  { quiet = false, stream = stderr, after = 0 }: SpinnerOptions = {},
): Promise<T> {
  // On a terminal without a width (a new pty) ora would clear lines for ever.
  const usable = stream.isTTY && stream.columns > 0 && process.env['TERM'] !== 'dumb';
  if (quiet || !usable) return work(() => undefined);
  let [label, over] = [text, false];
  let spinner: Ora | undefined;
  const show = async (): Promise<void> => {
    const { default: ora } = await import('ora');
    // Standard input may be the archive that is being read: ora must leave it alone.
    const options = { text: label, stream: stream.asNodeStream(), discardStdin: false, ...plain() };
    if (!over) spinner = ora(options).start();
  };
  const timer = setTimeout(() => void show(), after);
  try {
    return await work((now) => {
      label = now;
      if (spinner !== undefined) spinner.text = now;
    });
  } finally {
    over = true;
    clearTimeout(timer);
    spinner?.stop();
  }
}

/** ora colours its spinner by itself and ignores NO_COLOR. */
const plain = (): { readonly color?: false } =>
  (process.env['NO_COLOR'] ?? '') === '' ? {} : { color: false };
