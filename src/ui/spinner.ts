/**
 * A spinner for work that shows no progress of its own: unpacking an archive, making an image. Only on a terminal;
 * ora is loaded only there, and the line is gone when the work is done, since the command then says what it did.
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
  // A terminal of no width (a pty nobody has sized) would have ora clear lines without end.
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

/** ora colours its spinner by itself; NO_COLOR is for us to honour. */
const plain = (): { readonly color?: false } =>
  (process.env['NO_COLOR'] ?? '') === '' ? {} : { color: false };
