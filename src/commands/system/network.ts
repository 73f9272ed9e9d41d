/** `network inspect` and `network rm`. */
import { printableJson } from '../../../runtime/printable.ts';
import type { Engine } from '../../engine/engine.ts';
import { PREDEFINED, planNetworkRemoval, removeNetwork } from '../../engine/network/network-remove.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import { findNetwork, noSuchNetwork, previewDefinition } from '../../engine/state/networks.ts';
import { listContainers, recoverAll } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { compileTemplate } from '../../docker/go-template/template.ts';
import { inspectNetwork, inspectOther, OTHERS } from '../../docker/inspect/network-object.ts';
import type { Verb } from '../shared/verb.ts';
import { hasProgram } from '../../engine/spec/container.ts';

export const networkInspect: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] NETWORK [NETWORK...]')
      .argument('<networks...>')
      .option('-f, --format <string>', "Format output: 'json' or a Go template")
      // Of services, which a swarm has.
      .option('-v, --verbose', 'Verbose output for diagnostics')
      .action(async (names: readonly string[], flags: { readonly format?: string }) => {
        const { format } = flags;
        const template = format === undefined || format === 'json' ? undefined : compileTemplate(format);
        const found: object[] = [];
        for (const name of names) {
          try {
            const object = await inspectNetworkByName(context.engine, name);
            if (template === undefined) found.push(object);
            else stdout.writeData(`${template.execute(object)}\n`);
          } catch (error) {
            await context.report(error);
          }
        }
        if (template !== undefined) return;
        stdout.write(`${printableJson(found, format === 'json' ? undefined : 4)}\n`);
      });
  },
};

export async function inspectNetworkByName({ paths, containers }: Engine, name: string): Promise<object> {
  const other = OTHERS.find((one) => one.name === name);
  if (other !== undefined) return inspectOther(other);
  const network = name === 'bridge' ? previewDefinition(paths, name) : findNetwork(paths, name);
  if (network === undefined) throw noSuchNetwork(name);
  const running = (await listContainers(containers)).filter(({ state }) => hasProgram(state));
  return inspectNetwork(network, running);
}

export const networkRemove: Verb = {
  configure(command, context) {
    command
      .usage('NETWORK [NETWORK...]')
      .argument('<networks...>')
      .option('-f, --force', 'Do not complain about networks that do not exist')
      .action(async (names: readonly string[], flags: { readonly force?: boolean } & ExplainFlags) => {
        requireRoot('network rm');
        const { paths, containers } = context.engine;
        // Releases addresses of containers whose shim was killed.
        await recoverAll(containers);
        // One at a time: each holds the lock of the networks.
        for (const name of names) {
          const mayLack = flags.force === true && !PREDEFINED.includes(name);
          if (mayLack && findNetwork(paths, name) === undefined) continue;
          try {
            const done = await explained(flags, {
              plan: () => planNetworkRemoval(paths, name),
              perform: async (tell) => void (await removeNetwork(paths, name, tell)),
              nothing: `there is no network ${name}`,
            });
            if (done) stdout.write(`${name}\n`);
          } catch (error) {
            await context.report(error);
          }
        }
      });
    defineExplainFlags(command, { dryRun: true });
  },
};
