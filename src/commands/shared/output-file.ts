/** Archives that a command writes: to a file, which appears whole or not at all, or to a standard output that is no terminal. */
import { createWriteStream, lstatSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { MinidockError } from '../../../runtime/errors.ts';
import { randomHex } from '../../engine/spec/ids.ts';
import { stdout } from '../../io/standard-streams.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';

/** Where the archive goes to standard output. */
export function refuseTerminal(output: string | undefined): void {
  if (output !== undefined || !stdout.isTTY) return;
  throw new MinidockError({
    code: 'STDOUT_IS_TERMINAL',
    message: 'cowardly refusing to save to a terminal. Use the -o flag or redirect',
  });
}

/** The file appears whole or not at all. Its temporary name cannot be guessed. */
export async function writeBeside(
  path: string,
  failure: string,
  write: (stream: Writable) => Promise<void>,
): Promise<void> {
  refuseUnwritable(path, failure);
  const temporary = `${path}.${randomHex(6)}.tmp`;
  const stream = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
  // Listened for from the start: a file that cannot be opened says so before anything is written.
  const whole = finished(stream);
  whole.catch(() => undefined);
  try {
    await withSpinner(`Writing ${path}`, () => write(stream), { after: WHILE });
    stream.end();
    await whole;
    await rename(temporary, path);
  } catch (error) {
    stream.destroy();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Docker's refusals, before any writing. */
function refuseUnwritable(path: string, failure: string): void {
  const reason = whyUnwritable(path);
  if (reason === undefined) return;
  throw new MinidockError({ code: 'BAD_OUTPUT_PATH', message: `${failure}: ${reason}` });
}

/** rename(2) would replace a device such as /dev/null, or a link instead of its target. */
function whyUnwritable(path: string): string | undefined {
  if (statSync(dirname(path), { throwIfNoEntry: false })?.isDirectory() !== true) {
    return `invalid output path: directory "${dirname(path)}" does not exist`;
  }
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return undefined;
  if (found.isDirectory()) return `"${path}" is a directory`;
  const kind = found.isSymbolicLink()
    ? 'a symbolic link'
    : found.isCharacterDevice() || found.isBlockDevice()
      ? 'a device'
      : 'an irregular file';
  return `invalid output path: "${path}" must be a regular file: got ${kind}`;
}
