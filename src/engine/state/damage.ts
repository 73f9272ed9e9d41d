/**
 * Reports each damaged file once, in one line on standard error. The command continues with the rest. `doctor`
 * examines every file itself and does not use this.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { warnStderr } from '../../io/warn-stderr.ts';

const told = new Set<string>();
let silent = false;

/** Where the words go; a test listens here. */
export const complaints = { say: warnStderr };

const DOCTOR = 'minidock doctor shows more; minidock doctor --fix repairs it.';

/** `consequence`: what is done without it, as a sentence; '' where the error says all. */
export function tellDamage(error: Error, consequence = ''): void {
  const { message } = error;
  if (silent || told.has(message)) return;
  told.add(message);
  const hint = (error as { readonly hint?: string }).hint ?? DOCTOR;
  complaints.say(oneLine(`WARNING: ${message}. ${consequence}${consequence === '' ? '' : ' '}${hint}`));
}

export function keepQuietAboutDamage(): void {
  silent = true;
}

/** The files of a container without a record are unknown, and stay. */
export const cannotTell = (
  doing: string,
  { config }: { readonly config: { readonly id: string; readonly name: string } },
): MinidockError =>
  new MinidockError({
    code: 'DAMAGED_FILE',
    message: `cannot ${doing}: what container ${config.name} (${config.id.slice(0, 12)}) uses is not known, its config.json is damaged`,
    hint: `Remove that container first: minidock rm -f ${config.id.slice(0, 12)}`,
  });

export const damagedFile = (path: string, what: string, cause?: unknown): MinidockError =>
  new MinidockError({ code: 'DAMAGED_FILE', message: `${path} is damaged: ${what}`, hint: DOCTOR, cause });

export const missingFile = (path: string): MinidockError =>
  new MinidockError({ code: 'DAMAGED_FILE', message: `${path} is missing`, hint: DOCTOR });
