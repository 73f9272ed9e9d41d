/**
 * `network create -o`: the options of Docker's bridge driver that mean something here, read and checked. One that minidock
 * does not know is refused where Docker's driver would act on it, and kept where nobody would.
 */
import { existsSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { parseIpv4 } from '../../../runtime/network/ipv4.ts';
import { HOST_VETH_PREFIX } from '../../../runtime/network/names.ts';
import type { BridgeNetwork, Ipv6Block } from '../../../runtime/network/types.ts';

const BRIDGE = 'com.docker.network.bridge.';
const NAME = `${BRIDGE}name`;
const ICC = `${BRIDGE}enable_icc`;
const MASQUERADE = `${BRIDGE}enable_ip_masquerade`;
const PUBLISH_AT = `${BRIDGE}host_binding_ipv4`;
const MTU = 'com.docker.network.driver.mtu';
const MODE6 = `${BRIDGE}gateway_mode_ipv6`;
const KNOWN: readonly string[] = [NAME, ICC, MASQUERADE, PUBLISH_AT, MTU, MODE6];

export type NetworkOptions = Pick<BridgeNetwork, 'isolated' | 'unmasked' | 'publishAt' | 'mtu'> & {
  /** The name of the bridge. */
  readonly bridge?: string;
  readonly mode6?: NonNullable<Ipv6Block['mode']>;
};

/** @throws MinidockError 'BAD_NETWORK', in Docker's words where it has some. */
export function readOptions(options: Readonly<Record<string, string>>): NetworkOptions {
  const unknown = Object.keys(options).find(
    (key) => key.startsWith('com.docker.network.') && !KNOWN.includes(key),
  );
  if (unknown !== undefined)
    throw bad(`the option ${unknown} is not supported`, `Known are ${KNOWN.join(', ')}.`);
  const { [NAME]: bridge, [PUBLISH_AT]: publishAt, [MTU]: mtu, [MODE6]: mode } = options;
  if (bridge !== undefined) checkBridge(bridge);
  if (publishAt !== undefined && parseIpv4(publishAt) === undefined)
    throw bad(`failed to parse ${PUBLISH_AT} value: ${publishAt} (nil ip)`);
  return {
    ...(bridge === undefined ? {} : { bridge }),
    ...(isOff(options, ICC) ? { isolated: true } : {}),
    ...(isOff(options, MASQUERADE) ? { unmasked: true } : {}),
    ...(publishAt === undefined || publishAt === '0.0.0.0' ? {} : { publishAt }),
    ...(mtu === undefined ? {} : mtuOf(mtu)),
    ...(mode === undefined ? {} : modeOf(mode)),
  };
}

/** As Docker 27 has them. */
function modeOf(mode: string): Pick<NetworkOptions, 'mode6'> {
  if (mode === 'nat') return {};
  if (mode === 'routed') return { mode6: 'routed' };
  if (mode === 'nat-unprotected') return { mode6: 'open' };
  throw bad(`unknown gateway mode ${mode}`, `${MODE6} is nat, routed or nat-unprotected.`);
}

const bad = (message: string, hint?: string): MinidockError =>
  new MinidockError({ code: 'BAD_NETWORK', message, ...(hint === undefined ? {} : { hint }) });

/** As Go's strconv.ParseBool takes it. */
function isOff(options: Readonly<Record<string, string>>, key: string): boolean {
  const text = options[key];
  if (text === undefined || /^(1|t|T|TRUE|true|True)$/.test(text)) return false;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return true;
  throw bad(`failed to parse ${key} value: ${text} (strconv.ParseBool: parsing "${text}": invalid syntax)`);
}

/** The kernel's smallest for IPv4, and the largest a bridge takes. */
const MTU_LIMITS = [68, 65_535] as const;

function mtuOf(text: string): Pick<BridgeNetwork, 'mtu'> {
  if (!/^[+-]?\d+$/.test(text))
    throw bad(`failed to parse ${MTU} value: ${text} (strconv.Atoi: parsing "${text}": invalid syntax)`);
  const mtu = Number(text);
  if (mtu === 0) return {};
  const [least, most] = MTU_LIMITS;
  if (mtu < least || mtu > most)
    throw bad(`invalid MTU number: ${text}`, `An MTU is from ${String(least)} to ${String(most)}.`);
  return { mtu };
}

/**
 * The name goes into rules of the firewall and paths of /proc. One that is there belongs to somebody, who would lose it
 * with the network.
 */
function checkBridge(name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/.test(name) || name.startsWith(HOST_VETH_PREFIX)) {
    throw bad(
      `invalid name for a bridge: "${name}"`,
      `It has at most 15 letters, digits, "_", "." and "-", and does not begin with ${HOST_VETH_PREFIX}.`,
    );
  }
  // Also all and default, which stand for every interface there.
  if (existsSync(`/proc/sys/net/ipv4/conf/${name}`) && !existsSync(`/sys/class/net/${name}/bridge`))
    throw bad(`existing interface ${name} is not a bridge`);
}

/** Of a network that is about to be made. @throws MinidockError 'BRIDGE_TAKEN'. */
export function checkBridgeIsFree(
  network: Pick<BridgeNetwork, 'id' | 'bridge'>,
  others: readonly BridgeNetwork[],
): void {
  const { id, bridge } = network;
  const other = others.find((one) => one.bridge === bridge);
  if (other !== undefined) {
    throw new MinidockError({
      code: 'BRIDGE_TAKEN',
      message:
        `cannot create network ${id} (${bridge}): conflicts with network ${other.id} (${other.bridge}): ` +
        'networks have same bridge name',
    });
  }
  if (existsSync(`/sys/class/net/${bridge}`)) {
    throw new MinidockError({
      code: 'BRIDGE_TAKEN',
      message: `the bridge ${bridge} is there already, and belongs to somebody else`,
      hint: 'Choose another name for the network’s own bridge, or leave the option out.',
    });
  }
}
