/** `diff`: A for what a container has added, C for what it has changed, D for what it has deleted. */
import { oneLine } from '../../../runtime/printable.ts';
import { listChanges } from '../../engine/look/changes.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

export const diff: Verb = {
  configure(command, { engine }) {
    command
      .usage('CONTAINER')
      .argument('<container>')
      .action(async (name: string) => {
        requireRoot('diff');
        const { config } = await findContainer(engine.containers, name);
        const lines = listChanges(engine.paths, config).map(({ kind, path }) => `${kind} ${oneLine(path)}\n`);
        stdout.write(lines.join(''));
      });
  },
};
