/** `import`: a root filesystem in a tar becomes an image of one layer. */
import { createReadStream, openSync, type ReadStream } from 'node:fs';
import { importRootfs } from '../../../images/archives/import.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import { parsePlatform } from '../../../images/platform.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { recordEvents } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { withSpinner } from '../../ui/spinner.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface ImportFlags {
  readonly change?: readonly string[];
  readonly message?: string;
  readonly platform?: string;
}

export const importImage: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] file|- [REPOSITORY[:TAG]]')
      .argument('<file>')
      .argument('[reference]')
      .option('-c, --change <list>', 'Apply Dockerfile instruction to the created image', collect)
      .option('-m, --message <string>', 'Set commit message for imported image')
      .option('--platform <string>', 'Set platform, e.g. linux/arm64')
      .action(async (file: string, reference: string | undefined, flags: ImportFlags) => {
        requireRoot('import');
        if (/^https?:/.test(file)) {
          throw new MinidockError({
            code: 'UNSUPPORTED_SOURCE',
            message: `cannot import ${file}: minidock imports from a file or stdin`,
            hint: `Fetch it first: curl -L ${file} | minidock import - …`,
          });
        }
        const store = await engine.images();
        const image = await withSpinner('Importing the root filesystem', () =>
          importRootfs({
            store,
            input: file === '-' ? process.stdin : openArchive(file),
            reference,
            changes: flags.change,
            message: flags.message ?? `Imported from ${file}`,
            platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
          }),
        );
        const { id } = image;
        const named = reference === undefined ? [] : [familiarName(parseReference(reference))];
        recordEvents(engine.paths, [
          ...named.map((name) => imageEvent('tag', id, name)),
          imageEvent('import', id),
        ]);
        stdout.write(`${id}\n`);
      });
  },
};

/** Opened at once: a stream that opens by itself fails before anyone listens to it. */
const openArchive = (file: string): ReadStream =>
  createReadStream(file, { fd: openSync(file, 'r'), highWaterMark: 1 << 20 });
