/** `network create`, `network ls`, `network inspect`, `network rm`: bridge networks of the user's own. */
import { MinidockError } from '../../../runtime/errors.ts';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { printableJson } from '../../../runtime/printable.ts';
import type { Engine } from '../../engine/engine.ts';
import { createNetwork, PREDEFINED, removeNetwork } from '../../engine/network/network-create.ts';
import { findNetwork, listNetworks, noSuchNetwork, previewDefinition } from '../../engine/state/networks.ts';
import { listContainers, recoverAll } from '../../engine/refresh.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { inMode, tellingFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { formatList } from '../../docker/format.ts';
import { compileTemplate } from '../../docker/go-template/template.ts';
import { inspectNetwork, inspectOther, OTHERS } from '../../docker/inspect-network-object.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import type { Verb } from '../shared/verb.ts';
import { hasProgram } from '../../engine/spec/container.ts';

interface CreateFlags extends ExplainFlags {
  readonly driver?: string;
  readonly subnet?: string;
  readonly gateway?: string;
  readonly internal?: boolean;
}

export const networkCreate: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] NETWORK')
      .argument('<network>')
      .option('-d, --driver <driver>', 'Driver of the network: bridge')
      .option('--subnet <subnet>', 'Subnet in CIDR form (default: one that overlaps no route of this host)')
      .option('--gateway <address>', 'Address of the bridge (default: the first of the subnet)')
      .option('--internal', 'No way out to other networks, and none in from them')
      .action(async (name: string, flags: CreateFlags) => {
        requireRoot('network create');
        if (flags.gateway !== undefined && flags.subnet === undefined) {
          throw new MinidockError({
            code: 'INVALID_FLAG',
            message: 'every ip-range or gateway must have a corresponding subnet',
          });
        }
        if (flags.driver !== undefined && flags.driver !== 'bridge') {
          throw new MinidockError({ code: 'NO_SUCH_DRIVER', message: `plugin "${flags.driver}" not found` });
        }
        const request = {
          name,
          ...(flags.subnet === undefined ? {} : { subnet: flags.subnet }),
          ...(flags.gateway === undefined ? {} : { gateway: flags.gateway }),
          internal: flags.internal ?? false,
          firewall: firewall(),
        };
        await inMode(flags, {
          dryRun: async (how) => {
            const { printNetwork } = await import('../../teach/explain/dry-run.ts');
            await printNetwork(engine.paths, request, how);
          },
          perform: async () => {
            const telling = await tellingFor(flags);
            const { id } = await createNetwork(engine.paths, request, telling?.plan);
            stdout.write(`${id}\n`);
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

const firewall = (): FirewallBackend =>
  process.env['MINIDOCK_FIREWALL'] === 'iptables' ? 'iptables' : 'nftables';

export const networkList: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .option('-q, --quiet', 'Only display network IDs')
      .option('--no-trunc', 'Do not truncate the output')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .action(
        async (flags: { readonly quiet?: boolean; readonly trunc: boolean; readonly format?: string }) => {
          const own = listNetworks(engine.paths);
          const bridges = own.some(({ name }) => name === 'bridge')
            ? own
            : [...own, previewDefinition(engine.paths, 'bridge')];
          const rows = [
            ...bridges.map(({ name, id, internal }) => ({ name, id, driver: 'bridge', internal })),
            ...OTHERS,
          ]
            .sort((one, two) => (one.name < two.name ? -1 : 1))
            .map((network) => ({
              ID: flags.trunc ? network.id.slice(0, 12) : network.id,
              Name: network.name,
              Driver: network.driver,
              Scope: 'local',
              IPv6: 'false',
              Internal: String('internal' in network && network.internal === true),
            }));
          const style = {
            columns: {
              ID: 'NETWORK ID',
              Name: 'NAME',
              Driver: 'DRIVER',
              Scope: 'SCOPE',
              IPv6: 'IPV6',
              Internal: 'INTERNAL',
            },
            defaultColumns: ['ID', 'Name', 'Driver', 'Scope'],
            quietColumn: 'ID',
          };
          stdout.writeData(
            await formatList(rows, style, {
              quiet: flags.quiet ?? false,
              ...(flags.format === undefined ? {} : { format: flags.format }),
            }),
          );
        },
      );
  },
};

export const networkInspect: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] NETWORK [NETWORK...]')
      .argument('<networks...>')
      .option('-f, --format <string>', "Format output: 'json' or a Go template")
      .action(async (names: readonly string[], flags: { readonly format?: string }) => {
        const { format } = flags;
        const template = format === undefined || format === 'json' ? undefined : compileTemplate(format);
        const found: object[] = [];
        for (const name of names) {
          try {
            const object = await inspectOne(context.engine, name);
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

async function inspectOne({ paths, containers }: Engine, name: string): Promise<object> {
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
      .action(async (names: readonly string[], flags: { readonly force?: boolean }) => {
        requireRoot('network rm');
        const { paths, containers } = context.engine;
        // Releases addresses of containers whose shim was killed.
        await recoverAll(containers);
        // One at a time: each holds the lock of the networks.
        for (const name of names) {
          const mayLack = flags.force === true && !PREDEFINED.includes(name);
          if (mayLack && findNetwork(paths, name) === undefined) continue;
          try {
            await removeNetwork(paths, name);
            stdout.write(`${name}\n`);
          } catch (error) {
            await context.report(error);
          }
        }
      });
  },
};
