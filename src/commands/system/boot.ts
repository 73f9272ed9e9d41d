/** `system boot` and `system halt`: what Docker's daemon does as the host starts and goes down (scripts/minidock.service). */
import { containersToStart } from '../../engine/life/boot.ts';
import { stopContainer } from '../../engine/stop.ts';
import { listContainers } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { isActive } from '../../engine/spec/container.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { explainHow, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { printAll, startAll } from '../container/start.ts';
import { forEachName } from '../shared/each.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';

export const boot: Verb = {
  configure(command, context) {
    command.usage('[OPTIONS]').action(async (given: ExplainFlags) => {
      requireRoot('system boot');
      const flags = { detachKeys: DEFAULT_DETACH_KEYS, ...given };
      const names = (await containersToStart(context.engine.containers)).map(({ config }) => config.name);
      if (flags.dryRun === true) return printAll(context, names, explainHow(flags) ?? 'full', false);
      await startAll(context, names, flags);
    });
    defineExplainFlags(command, { dryRun: true });
  },
};

export const halt: Verb = {
  configure(command, context) {
    command.usage('').action(async () => {
      requireRoot('system halt');
      const { containers } = context.engine;
      const running = (await listContainers(containers)).filter(({ state }) => isActive(state));
      const byName = new Map(running.map((container) => [container.config.name, container]));
      await forEachName(context, [...byName.keys()], async (name) => {
        const container = byName.get(name);
        if (container !== undefined) await stopContainer(containers, container, { by: 'host' });
        return name;
      });
    });
  },
};
