/** `network create`: a bridge network of the user's own. */
import { Option } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { createNetwork } from '../../engine/network/network-create.ts';
import type { AddressRequest } from '../../engine/network/network-ipv6.ts';
import type { NetworkRequest } from '../../engine/network/network-request.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { inMode, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface CreateFlags extends ExplainFlags {
  readonly driver?: string;
  readonly subnet?: readonly string[];
  readonly gateway?: readonly string[];
  readonly ipRange?: readonly string[];
  readonly auxAddress?: readonly string[];
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly label?: readonly string[];
  readonly opt?: readonly string[];
  readonly scope?: string;
  readonly ipamDriver?: string;
  readonly ipv4: boolean;
  readonly ipv6?: boolean;
  readonly ingress?: boolean;
  readonly configOnly?: boolean;
  readonly configFrom?: string;
  readonly ipamOpt?: readonly string[];
}

export const networkCreate: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] NETWORK')
      .argument('<network>')
      .option('--attachable', 'Enable manual container attachment')
      .option('--aux-address <map>', 'Addresses of the subnet that no container gets (NAME=ADDRESS)', collect)
      .option('-d, --driver <string>', 'Driver of the network: bridge')
      .option('--gateway <strings>', 'Address of the bridge; the first of the subnet if left out', collect)
      .option('--internal', 'No way out to other networks, and none in from them')
      .option('--ip-range <strings>', 'Allocate container ip from a sub-range', collect)
      .option('--no-ipv4', 'No IPv4 addresses: IPv6 alone (also --ipv4=false)')
      .option('--ipv6', 'Enable IPv6 address assignment, from a block of fd00::/8 unless a --subnet is given')
      .option('--label <list>', 'Set metadata on a network', collect)
      .option(
        '-o, --opt <map>',
        'Set driver specific options (com.docker.network.bridge.enable_icc=false)',
        collect,
      )
      .option(
        '--subnet <strings>',
        'Subnet in CIDR form; left out, one that is clear of all routes of this host',
        collect,
      );
    // What one host cannot have, or has anyway.
    for (const flags of ['--scope <string>', '--ipam-driver <string>', '--config-from <string>'])
      command.addOption(new Option(flags).hideHelp());
    for (const flags of ['--ingress', '--config-only']) command.addOption(new Option(flags).hideHelp());
    command.addOption(new Option('--ipam-opt <map>').argParser(collect).hideHelp());
    defineExplainFlags(command, { dryRun: true });
    command.action(async (name: string, flags: CreateFlags) => {
      requireRoot('network create');
      const request = toRequest(name, flags);
      await inMode(flags, {
        dryRun: async (how) => {
          const { printNetwork } = await import('../../teach/explain/dry-run.ts');
          await printNetwork(engine.paths, request, how);
        },
        perform: async () => {
          const reporter = await localReporterFor(flags);
          const { id } = await createNetwork(engine.paths, request, (steps, warnings) => {
            reporter?.plan(steps);
            for (const text of warnings) stderr.write(`WARNING: ${text}\n`);
          });
          stdout.write(`${id}\n`);
        },
      });
    });
  },
};

function toRequest(name: string, flags: CreateFlags): NetworkRequest {
  refuse(flags);
  const [four, six] = [addresses(flags, isIpv4), addresses(flags, isIpv6Text)];
  const { ipv4: withIpv4, ipv6: withIpv6 = false } = flags;
  if (!withIpv6) refuseStray(six, 'IPv6', '--ipv6');
  if (!withIpv4) refuseStray(four, 'IPv4', '--ipv4');
  return {
    name,
    ...four,
    ...(withIpv4 ? {} : { withoutIpv4: true }),
    ...(withIpv6 ? { ipv6: six } : {}),
    internal: flags.internal ?? false,
    attachable: flags.attachable ?? false,
    labels: Object.fromEntries((flags.label ?? []).map(keyValue)),
    options: Object.fromEntries((flags.opt ?? []).map(keyValue)),
    firewall: firewall(),
  };
}

const isIpv4 = (text: string): boolean => !isIpv6Text(text);

/** What was given of one family. */
function addresses(flags: CreateFlags, is: (text: string) => boolean): AddressRequest {
  const one = (values: readonly string[] = []): string | undefined => listed(values).find(is);
  const [subnet, gateway, range] = [one(flags.subnet), one(flags.gateway), one(flags.ipRange)];
  const reserved = listed(flags.auxAddress)
    .map(keyValue)
    .filter(([, address]) => is(address));
  return {
    ...(subnet === undefined ? {} : { subnet }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(range === undefined ? {} : { range }),
    ...(reserved.length === 0 ? {} : { reserved: Object.fromEntries(reserved) }),
  };
}

/** Docker ignores it. */
function refuseStray(
  { subnet, gateway, range, reserved = {} }: AddressRequest,
  family: string,
  flag: string,
): void {
  const given = subnet ?? gateway ?? range ?? Object.values(reserved)[0];
  if (given !== undefined)
    throw refusal('BAD_NETWORK', `${given} is for ${family}, which this network does not have: give ${flag}`);
}

/** Docker's flags of several values take them at once, too. */
const listed = (values: readonly string[] = []): readonly string[] =>
  values.flatMap((value) => value.split(','));

function keyValue(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const firewall = (): FirewallBackend =>
  process.env['MINIDOCK_FIREWALL'] === 'iptables' ? 'iptables' : 'nftables';

/** What takes more than one host, or another driver. */
function refuse(flags: CreateFlags): void {
  const { driver = 'bridge', scope = 'local', ipamDriver = 'default' } = flags;
  if (driver === 'host' || driver === 'null')
    throw refusal('NO_SUCH_DRIVER', `only one instance of "${driver}" network is allowed`);
  if (DRIVERS_OF_DOCKER.includes(driver))
    throw refusal(
      'NO_SUCH_DRIVER',
      `networks of the driver "${driver}" are not supported: minidock has bridges`,
    );
  if (driver !== 'bridge') throw refusal('NO_SUCH_DRIVER', `plugin "${driver}" not found`);
  if (ipamDriver !== 'default') throw refusal('NO_SUCH_DRIVER', `plugin "${ipamDriver}" not found`);
  if (scope !== 'local')
    throw refusal('UNSUPPORTED', `--scope ${scope}: minidock knows one host, and no swarm`);
  for (const [flag, given] of Object.entries({
    '--ingress': flags.ingress,
    '--config-only': flags.configOnly,
    '--config-from': flags.configFrom,
    '--ipam-opt': flags.ipamOpt,
  }))
    if (given !== undefined) throw refusal('UNSUPPORTED', `${flag} is not supported`);
  // One of each family.
  const several = (values: readonly string[] | undefined): boolean =>
    [isIpv4, isIpv6Text].some((is) => listed(values).filter(is).length > 1);
  if (several(flags.subnet)) throw refusal('BAD_NETWORK', "bridge driver doesn't support multiple subnets");
  if (several(flags.gateway) || several(flags.ipRange))
    throw refusal('BAD_NETWORK', 'every ip-range or gateway must have a corresponding subnet');
}

const DRIVERS_OF_DOCKER: readonly string[] = ['overlay', 'macvlan', 'ipvlan'];

const refusal = (code: string, message: string): MinidockError => new MinidockError({ code, message });
