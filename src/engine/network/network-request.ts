/** What is asked of `network create`: flags as text, made into the definition of a network. */
import { MinidockError } from '../../../runtime/errors.ts';
import {
  contains,
  formatCidr,
  formatIpv4,
  parseCidr,
  parseIpv4,
  sizeOf,
  type Cidr,
} from '../../../runtime/network/ipv4.ts';
import type { BridgeNetwork, FirewallBackend } from '../../../runtime/network/types.ts';
import { newId } from '../spec/ids.ts';
import { timestamp } from '../spec/time.ts';
import { freeSubnet, listNetworks } from '../state/networks.ts';
import type { Paths } from '../state/paths.ts';
import { checkBridgeIsFree, readOptions } from './network-options.ts';
import { chosenIpv6, type AddressRequest } from './network-ipv6.ts';
import { chosenSubnet } from './network-subnet.ts';

export interface NetworkRequest extends AddressRequest {
  readonly name: string;
  /** `--ipv4=false`. */
  readonly withoutIpv4?: boolean;
  /** `--ipv6`. */
  readonly ipv6?: AddressRequest;
  readonly internal: boolean;
  readonly attachable?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
  readonly firewall: FirewallBackend;
}

/** @throws MinidockError BAD_NETWORK, SUBNET_OVERLAPS, NO_SUBNET, BRIDGE_TAKEN. */
export function defineNetwork(paths: Paths, request: NetworkRequest): BridgeNetwork {
  const { name, internal, attachable = false, labels = {}, options = {} } = request;
  const id = newId();
  const { bridge = `mdb${id.slice(0, 12)}`, mode6, ...means } = readOptions(options);
  if (request.withoutIpv4 === true && request.ipv6 === undefined) throw bad('IPv4 or IPv6 must be enabled');
  const ipv6 = request.ipv6 && chosenIpv6(paths, id, request.ipv6);
  const network: BridgeNetwork = {
    id,
    name,
    bridge,
    ...(request.withoutIpv4 === true ? NO_IPV4 : addressesOf(paths, request)),
    ...(ipv6 === undefined ? {} : { ipv6: { ...ipv6, ...(mode6 === undefined ? {} : { mode: mode6 }) } }),
    ...(internal ? { internal: true } : {}),
    ...means,
    ...(attachable ? { attachable: true } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
    created: timestamp(),
  };
  checkBridgeIsFree(network, listNetworks(paths));
  return network;
}

type Addresses = Pick<BridgeNetwork, 'subnet' | 'gateway' | 'range' | 'reserved'>;

const NO_IPV4: Addresses = { subnet: '', gateway: '' };

function addressesOf(paths: Paths, request: AddressRequest): Addresses {
  const { subnet, gateway, range, reserved = {} } = request;
  const [stray] = Object.values(reserved);
  if (subnet === undefined && (gateway !== undefined || range !== undefined))
    throw bad('every ip-range or gateway must have a corresponding subnet');
  if (subnet === undefined && stray !== undefined) throw bad(`no matching subnet for aux-address ${stray}`);
  if (subnet === undefined) return freeSubnet(paths);
  const block = parseCidr(subnet);
  const part = range === undefined ? undefined : rangeIn(block, range);
  const taken = Object.values(reserved).map((text) => {
    const address = parseIpv4(text);
    if (address === undefined || block === undefined || !contains(block, address))
      throw bad(`no matching subnet for aux-address ${text}`);
    return address;
  });
  const chosen = chosenSubnet(paths, subnet, gateway ?? firstIn(block, part, taken));
  const clash = Object.entries(reserved).find(([, address]) => address === chosen.gateway);
  if (clash !== undefined)
    throw bad(`failed to allocate secondary ip address (${clash.join(':')}): Address already in use`);
  return {
    ...chosen,
    ...(part === undefined ? {} : { range: formatCidr(part) }),
    ...(taken.length === 0 ? {} : { reserved }),
  };
}

const bad = (message: string): MinidockError => new MinidockError({ code: 'BAD_NETWORK', message });

function rangeIn(block: Cidr | undefined, text: string): Cidr {
  const range = parseCidr(text);
  const fits =
    range !== undefined && block !== undefined && contains(block, range.base) && range.prefix >= block.prefix;
  if (!fits) throw bad(`no matching subnet for range ${text}`);
  return range;
}

/** As in Docker the gateway is the first address that may be given away. undefined leaves it to the subnet. */
function firstIn(
  block: Cidr | undefined,
  range: Cidr | undefined,
  taken: readonly number[],
): string | undefined {
  if (block === undefined || (range === undefined && taken.length === 0)) return undefined;
  const { base, prefix } = range ?? block;
  const end = base + sizeOf({ base, prefix });
  for (let address = Math.max(base, block.base + 1); address < end; address += 1)
    if (!taken.includes(address)) return formatIpv4(address);
  return undefined;
}
