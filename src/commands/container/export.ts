/** `export`: all files of a container in one tar archive, without its volumes. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { writeArchive } from '../../engine/files/copy.ts';
import { withContainerRoot } from '../../engine/files/with-root.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { stdout } from '../../io/standard-streams.ts';
import { refuseTerminal, writeBeside } from '../shared/output-file.ts';
import { planExport } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Verb } from '../shared/verb.ts';

interface ExportFlags extends ExplainFlags {
  readonly output?: string;
}

export const exportContainer: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] CONTAINER')
      .argument('<container>')
      .option('-o, --output <string>', 'Write to a file, instead of STDOUT')
      .action(async (name: string, flags: ExportFlags) => {
        requireRoot('export');
        await explained(flags, {
          plan: async () =>
            planExport(engine.paths, await findContainer(engine.containers, name), flags.output),
          perform: async (tell) => {
            refuseTerminal(flags.output);
            const steps = planExport(
              engine.paths,
              await findContainer(engine.containers, name),
              flags.output,
            );
            tell?.(steps);
            await performSteps(steps, () => write(name, flags.output));
          },
          nothing: 'there is nothing to export',
        });
      });
    defineExplainFlags(command, { dryRun: true });

    const write = (name: string, output: string | undefined): Promise<void> =>
      withContainerRoot(
        engine.containers,
        name,
        { writable: false, mounts: false },
        async (root, { config, state }) => {
          recordEvent(engine.paths, containerEvent(config, 'export'));
          const firstId = hasProgram(state) ? (state.firstId ?? 0) : 0;
          if (output === undefined) {
            await writeArchive(root, '', (bytes) => stdout.writePatiently(bytes), firstId);
            return;
          }
          await writeBeside(output, 'failed to export container', (stream) =>
            writeArchive(root, '', (bytes) => patiently(stream, bytes), firstId).then(() => undefined),
          );
        },
      );
  },
};

async function patiently(stream: Writable, bytes: Uint8Array): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}
