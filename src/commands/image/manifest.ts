/** `manifest inspect`: a manifest or an index as a registry has it, without pulling the image. */
import { MinidockError } from '../../../runtime/errors.ts';
import { inspectManifest } from '../../engine/registry/manifest.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

interface ManifestFlags {
  readonly insecure?: boolean;
  readonly verbose?: boolean;
}

export const manifestInspect: Verb = {
  configure(command) {
    command
      .usage('[OPTIONS] MANIFEST')
      .argument('<manifest>')
      .argument('[manifest]')
      .option('--insecure', 'Allow communication with an insecure registry')
      .option('-v, --verbose', 'Output additional info including layers and platform')
      .action(async (name: string, second: string | undefined, flags: ManifestFlags) => {
        if (second !== undefined) {
          throw new MinidockError({
            code: 'UNSUPPORTED',
            message: 'minidock keeps no manifest lists of its own: name the manifest alone',
            exitCode: 1,
          });
        }
        const { insecure = false, verbose = false } = flags;
        stdout.writeData(`${await inspectManifest(name, { insecure, verbose })}\n`);
      });
  },
};
