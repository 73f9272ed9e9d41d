/** `volume create` */
import { createVolume, planNewVolume } from '../../engine/volumes/create.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { newId } from '../../engine/spec/ids.ts';
import { parseLabels } from '../../engine/spec/env-flags.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface CreateFlags extends ExplainFlags {
  readonly driver: string;
  readonly label?: readonly string[];
  readonly opt?: readonly string[];
}

export const volumeCreate: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] [VOLUME]')
      .argument('[volume]')
      .option('-d, --driver <string>', 'Specify volume driver name', 'local')
      .option('--label <list>', 'Set metadata for a volume', collect)
      .option('-o, --opt <map>', 'Set driver specific options', collect)
      .action(async (name: string | undefined, flags: CreateFlags) => {
        requireRoot('volume create');
        const request = {
          name: name ?? newId(),
          anonymous: name === undefined,
          driver: flags.driver,
          labels: parseLabels(flags.label ?? [], []),
          options: parseLabels(flags.opt ?? [], []),
        };
        const done = await explained(flags, {
          plan: () => planNewVolume(engine.paths, request),
          perform: async (tell) => void (await createVolume(engine.paths, request, tell)),
          nothing: `there is a volume ${request.name} already`,
        });
        if (done) stdout.write(`${request.name}\n`);
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
