/** `import`: a root filesystem in a tar becomes an image of one layer. */
import { closeSync, createReadStream, openSync, type ReadStream } from 'node:fs';
import { importRootfs } from '../../../images/archives/import.ts';
import { familiarName, parseReference } from '../../../images/reference.ts';
import { parsePlatform } from '../../../images/platform.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { recordEvents } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { withSpinner } from '../../ui/spinner.ts';
import type { StoredImage } from '../../../images/types.ts';
import { planImport } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface ImportFlags extends ExplainFlags {
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
        const steps = planImport(engine.paths, file, reference);
        const work = async (): Promise<StoredImage> => {
          const store = await engine.images();
          return importRootfs({
            store,
            input: file === '-' ? process.stdin : openArchive(file),
            reference,
            changes: flags.change,
            message: flags.message,
            platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
          });
        };
        const made: StoredImage[] = [];
        await explained(flags, {
          plan: () => {
            if (file !== '-') closeSync(openSync(file, 'r'));
            return steps;
          },
          perform: async (tell) => {
            tell?.(steps);
            const quiet = tell !== undefined;
            made.push(
              await performSteps(steps, () => withSpinner('Importing the root filesystem', work, { quiet })),
            );
          },
          nothing: 'there is nothing to import',
        });
        const [image] = made;
        if (image === undefined) return;
        const { id } = image;
        const named = reference === undefined ? [] : [familiarName(parseReference(reference))];
        recordEvents(engine.paths, [
          ...named.map((name) => imageEvent('tag', id, name)),
          imageEvent('import', id),
        ]);
        stdout.write(`${id}\n`);
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

/** Opened at once: a stream that opens by itself fails before anyone listens to it. */
const openArchive = (file: string): ReadStream =>
  createReadStream(file, { fd: openSync(file, 'r'), highWaterMark: 1 << 20 });
