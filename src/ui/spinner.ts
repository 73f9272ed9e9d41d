/**
 * A spinner for work without progress: unpacking an archive, creating an image. Only on a terminal, and ora is loaded
 * only there. The line disappears when the work is done.
 */
import { stderr, type StandardStream } from '../io/standard-streams.ts';

export interface SpinnerOptions {
  /** Nothing is shown with -q. */
  readonly quiet?: boolean;
  readonly stream?: Pick<StandardStream, 'isTTY' | 'columns' | 'asNodeStream'>;
}

export async function withSpinner<T>(
  text: string,
  work: (say: (text: string) => void) => Promise<T>,
  { quiet = false, stream = stderr }: SpinnerOptions = {},
): Promise<T> {
  // On a terminal without a width (a new pty) ora would clear lines for ever.
  const usable = stream.isTTY && stream.columns > 0 && process.env['TERM'] !== 'dumb';
  if (quiet || !usable) return work(() => undefined);
  const { default: ora } = await import('ora');
  // Standard input may be the archive that is being read: ora must leave it alone.
  const spinner = ora({ text, stream: stream.asNodeStream(), discardStdin: false, ...plain() }).start();
  try {
    return await work((now) => {
      spinner.text = now;
    });
  } finally {
    spinner.stop();
  }
}

/** ora colours its spinner by itself and ignores NO_COLOR. */
const plain = (): { readonly color?: false } =>
  (process.env['NO_COLOR'] ?? '') === '' ? {} : { color: false };
