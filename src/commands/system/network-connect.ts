/** `network connect` and `network disconnect`. */
import { Option } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import { connectNetwork, disconnectNetwork, type Told } from '../../engine/life/connect-network.ts';
import { endpointSpec } from '../../engine/network/network-flags.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { networkEvent } from '../../engine/state/events/events.ts';
import { driverOptions, parseLink } from '../../engine/spec/attachment-flags.ts';
import { invalidArgument, parseInteger } from '../../engine/spec/flag-errors.ts';
import { findNetwork, noSuchNetwork, previewDefinition } from '../../engine/state/networks.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { inMode, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface ConnectFlags extends ExplainFlags {
  readonly alias?: readonly string[];
  readonly driverOpt?: readonly string[];
  readonly gwPriority?: string;
  readonly ip?: string;
  readonly ip6?: string;
  readonly link?: readonly string[];
  readonly linkLocalIp?: readonly string[];
}

export const networkConnect: Verb = {
  configure(command, { engine: { containers } }) {
    command
      .usage('[OPTIONS] NETWORK CONTAINER')
      .argument('<network>')
      .argument('<container>')
      .option('--alias <strings>', 'Add network-scoped alias for the container', collect)
      .option('--driver-opt <strings>', 'Driver options for the network', collect)
      .option('--gw-priority <int>', 'The network with the highest one has the default route')
      .option('--ip <string>', 'IPv4 address (e.g., "172.30.100.104")')
      .option('--ip6 <string>', 'IPv6 address (e.g., "2001:db8::33")')
      .option('--link <list>', 'Add a name for another container: NAME or NAME:ALIAS', collect)
      .addOption(new Option('--link-local-ip <strings>').argParser(collect).hideHelp())
      .action(async (network: string, name: string, flags: ConnectFlags) => {
        requireRoot('network connect');
        const container = await findContainer(containers, name);
        const spec = endpointSpec(containers, request(containers, network, flags));
        await inMode(flags, {
          dryRun: async (how) => {
            const { printConnect } = await import('../../teach/explain/dry-run-network.ts');
            await printConnect(containers, container, spec, how);
          },
          perform: async () => {
            await connectNetwork(containers, container, spec, await told(flags));
            recordChange(containers, container, network, 'connect');
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

function request(
  { paths }: ContainerStore,
  network: string,
  flags: ConnectFlags,
): Parameters<typeof endpointSpec>[1] {
  if (flags.linkLocalIp !== undefined)
    throw unsupported('--link-local-ip: link-local addresses are not supported');
  const target = network === 'default' ? 'bridge' : network;
  const isKnown = ['bridge', 'host', 'none'].includes(target) || findNetwork(paths, target) !== undefined;
  if (!isKnown) throw noSuchNetwork(network);
  const bad = (): Error =>
    invalidArgument(
      flags.driverOpt?.find((text) => !text.includes('=')) ?? '',
      '--driver-opt',
      'invalid key/value pair format in driver options',
    );
  return {
    target,
    aliases: flags.alias ?? [],
    links: (flags.link ?? []).map(parseLink),
    ...(flags.ip === undefined || flags.ip === '' ? {} : { ip: flags.ip }),
    ...(flags.ip6 === undefined || flags.ip6 === '' ? {} : { ip6: flags.ip6 }),
    driverOpts: driverOptions(flags.driverOpt ?? [], bad),
    priority: parseInteger(flags.gwPriority, '--gw-priority') ?? 0,
  };
}

const unsupported = (message: string): MinidockError =>
  new MinidockError({ code: 'INVALID_FLAG', message, exitCode: 125 });

export const networkDisconnect: Verb = {
  configure(command, { engine: { containers } }) {
    command
      .usage('[OPTIONS] NETWORK CONTAINER')
      .argument('<network>')
      .argument('<container>')
      .option('-f, --force', 'Force the container to disconnect from a network')
      .action(async (network: string, name: string, flags: ExplainFlags) => {
        requireRoot('network disconnect');
        const container = await findContainer(containers, name);
        await inMode(flags, {
          dryRun: async (how) => {
            const { printDisconnect } = await import('../../teach/explain/dry-run-network.ts');
            await printDisconnect(containers, container, network, how);
          },
          perform: async () => {
            await disconnectNetwork(containers, container, network, await told(flags));
            recordChange(containers, container, network, 'disconnect');
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

/** As Docker: one that does not run connects when it starts, and is disconnected at once. */
function recordChange(
  { paths }: ContainerStore,
  { config, state }: Container,
  name: string,
  action: 'connect' | 'disconnect',
): void {
  const isDefault = name === 'bridge' || name === 'default';
  const network = isDefault ? previewDefinition(paths, 'bridge') : findNetwork(paths, name);
  if (network !== undefined && (action === 'disconnect' || hasProgram(state)))
    recordEvent(paths, networkEvent(network, action, config.id));
}

async function told(flags: ExplainFlags): Promise<Told | undefined> {
  const reporter = await localReporterFor(flags);
  return reporter && { plan: (steps) => reporter.plan(steps), done: reporter.done };
}
