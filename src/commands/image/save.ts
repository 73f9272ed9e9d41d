/** `save`: one archive of one or more images, that Docker, Podman and minidock load. */
import { createWriteStream, lstatSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { saveImages, type SaveRequest } from '../../../images/archives/save.ts';
import { formatReference, parseReference } from '../../../images/reference.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { findImage } from '../../engine/find-image.ts';
import { randomHex } from '../../engine/spec/ids.ts';
import { requireRoot } from '../../engine/require-root.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const save: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<images...>')
      .option('-o, --output <string>', 'Write to a file, instead of STDOUT')
      .action(async (names: readonly string[], flags: { readonly output?: string }) => {
        requireRoot('save');
        if (flags.output === undefined && stdout.isTTY) {
          throw new MinidockError({
            code: 'STDOUT_IS_TERMINAL',
            message: 'cowardly refusing to save to a terminal. Use the -o flag or redirect',
          });
        }
        const requests: SaveRequest[] = [];
        for (const name of names) {
          const image = await findImage(engine, name);
          requests.push({ image, tags: tagsNamed(name, image.tags) });
        }
        const store = await engine.images();
        if (flags.output === undefined) await saveImages(store, requests, stdout.asNodeStream());
        else await writeBeside(flags.output, (stream) => saveImages(store, requests, stream));
        for (const { image } of requests)
          recordEvent(engine.paths, imageEvent('save', image.id, image.id, image.config.config?.Labels));
      });
  },
};

/** The tag that was named; none when the image was named by its id or a digest. */
function tagsNamed(name: string, tags: readonly string[]): readonly string[] {
  if (
    /^(sha256:)?[0-9a-f]{4,64}$/.test(name) &&
    !tags.includes(formatReference(parseReference(`${name}:latest`)))
  )
    return [];
  const wanted = formatReference(parseReference(name));
  return tags.filter((tag) => tag === wanted);
}

/** The file appears whole or not at all. Its temporary name cannot be guessed. */
async function writeBeside(path: string, write: (stream: Writable) => Promise<void>): Promise<void> {
  refuseUnwritable(path);
  const temporary = `${path}.${randomHex(6)}.tmp`;
  const stream = createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
  // Listened for from the start: a file that cannot be opened says so before anything is written.
  const whole = finished(stream);
  whole.catch(() => undefined);
  try {
    await write(stream);
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
function refuseUnwritable(path: string): void {
  const reason = whyUnwritable(path);
  if (reason === undefined) return;
  throw new MinidockError({ code: 'BAD_OUTPUT_PATH', message: `failed to save image: ${reason}` });
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
