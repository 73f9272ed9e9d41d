/**
 * The host's part of the network: forwarding, subnets of minidock's networks that overlap other routes, a bridge that
 * two minidocks share; and for each running container, whether everything its start set up on the host is still
 * there. The same steps restore what is missing.
 */
import { readFileSync } from 'node:fs';
import { planBridge, planForwarding4 } from '../../../runtime/network/bridge.ts';
import { planFirewall, planPorts } from '../../../runtime/network/firewall/backend.ts';
import { overlaps, parseCidr } from '../../../runtime/network/ipv4.ts';
import { FORWARDING6, planForwarding6 } from '../../../runtime/network/ipv6/bridge.ts';
import type { BridgeEndpoint, BridgeNetwork } from '../../../runtime/network/types.ts';
import { planVeth } from '../../../runtime/network/veth.ts';
import { holds, performHostCommand } from '../../../runtime/plan/perform-host.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { Check, HostStep } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { ipv4AddressesOf, isForwarding, kindOf, type IpLink, type IpRoute } from '../host/ip.ts';
import type { Container } from '../../engine/state/store.ts';
import { ok, type Finding } from './finding.ts';
import { hasAllRules, missingLinesOf, type Checked } from './missing-rules.ts';
import { endpointsOf, type View } from './view.ts';

/** Wider routes mean "everything": a default route, or its two halves from a VPN. */
const WIDEST_ROUTE_THAT_COUNTS = 8;

export async function examineNetwork(view: View): Promise<readonly Finding[]> {
  const collisions = view.networks.flatMap((network) => findCollisions(view, network));
  const subnets = view.networks
    .flatMap(({ subnet, ipv6, name }) =>
      [subnet, ipv6?.subnet ?? ''].filter(Boolean).map((one) => `${one} (${name})`),
    )
    .join(', ');
  const clear = ok(
    'network.subnets',
    subnets === ''
      ? 'no subnet chosen yet: the first container chooses one'
      : `no route overlaps the subnets: ${subnets}`,
  );
  return [
    forwarding(view),
    ...forwarding6(view),
    ...(collisions.length === 0 ? [clear] : collisions),
    ...sharedBridges(view),
    ...(await examineEndpoints(view)),
  ];
}

function forwarding({ running }: View): Finding {
  if (isForwarding()) return ok('network.forwarding', 'this host forwards packets (net.ipv4.ip_forward = 1)');
  const bridged = running.filter((container) => endpointsOf(container).length > 0);
  if (bridged.length === 0)
    return ok('network.forwarding', 'forwarding is off; the first container on a bridge turns it on');
  const step = planForwarding4();
  return {
    id: 'network.forwarding',
    level: 'problem',
    what: 'forwarding is off again (net.ipv4.ip_forward = 0)',
    means: 'Running containers reach no other host, and only this host reaches published ports.',
    todo: ['sysctl -w net.ipv4.ip_forward=1', 'Find the cause: grep -r ip_forward /etc/sysctl.*'],
    mend: () => performAll([{ step }]),
  };
}

/** Of IPv6, where a running container has it. */
function forwarding6({ running }: View): readonly Finding[] {
  const network = running
    .flatMap(endpointsOf)
    .map((endpoint) => endpoint.network)
    .find(({ ipv6 }) => ipv6 !== undefined);
  if (network === undefined) return [];
  const steps = planForwarding6(network);
  if (readFileSync(FORWARDING6, 'utf8').trim() === '1')
    return [ok('network.forwarding6', 'this host forwards IPv6 (net.ipv6.conf.all.forwarding = 1)')];
  return [
    {
      id: 'network.forwarding6',
      level: 'problem',
      what: 'forwarding of IPv6 is off again (net.ipv6.conf.all.forwarding = 0)',
      means: 'Running containers reach no other host by IPv6, and only this host reaches their ports.',
      todo: ['sysctl -w net.ipv6.conf.all.forwarding=1'],
      mend: () => performAll(steps.map((step) => ({ step }))),
    },
  ];
}

function findCollisions({ routes, links }: View, network: BridgeNetwork): readonly Finding[] {
  const own = parseCidr(network.subnet);
  const seen = new Set<string>();
  return routes.flatMap((route): readonly Finding[] => {
    const other = route.dst === 'default' ? undefined : parseCidr(withPrefix(route.dst));
    if (own === undefined || other === undefined || !overlaps(own, other)) return [];
    if (other.prefix < WIDEST_ROUTE_THAT_COUNTS || route.dev === network.bridge) return [];
    if (isOnlyOurOwnAddress(route) || seen.has(`${route.dst} ${route.dev ?? ''}`)) return [];
    seen.add(`${route.dst} ${route.dev ?? ''}`);
    const link = links.find(({ ifname }) => ifname === route.dev);
    return [
      {
        id: `network.subnet:${network.name}:${route.dst}`,
        level: 'problem',
        what: `${network.subnet} of ${network.bridge} overlaps ${route.dst}, routed to ${route.dev ?? route.type ?? '?'}${describeKind(link)}`,
        means:
          'One of the two loses: containers cannot reach the hosts behind that route, or this host cannot reach ' +
          'the containers.',
        todo: [
          `ip route get ${network.gateway}`,
          network.name === 'bridge'
            ? `With no container running: ip link delete ${network.bridge}, remove networks/bridge.json from the root; the next container chooses a clear subnet.`
            : `Create the network again with another --subnet: minidock network rm ${network.name}`,
        ],
      },
    ];
  });
}

const withPrefix = (dst: string): string => (dst.includes('/') ? dst : `${dst}/32`);

/** Local and broadcast routes repeat what the subnet's route says. */
const isOnlyOurOwnAddress = ({ type }: IpRoute): boolean =>
  ['local', 'broadcast', 'anycast', 'multicast'].includes(type ?? '');

function describeKind(link: IpLink | undefined): string {
  const kind = link === undefined ? 'device' : kindOf(link);
  if (kind === 'device' || kind === 'loopback') return '';
  if (['tun', 'wireguard', 'ppp', 'xfrm', 'vti', 'gre', 'ipip'].includes(kind))
    return ` (${kind}, a VPN perhaps)`;
  return kind === 'bridge' ? " (another program's bridge)" : ` (${kind})`;
}

function sharedBridges({ networks, links }: View): readonly Finding[] {
  return networks.flatMap(({ bridge, gateway, name }): readonly Finding[] => {
    if (gateway === '') return [];
    const others = links
      .filter(({ ifname }) => ifname === bridge)
      .flatMap(ipv4AddressesOf)
      .filter(({ local }) => local !== gateway);
    if (others.length === 0) return [];
    const shown = others.map(({ local, prefixlen }) => `${local}/${String(prefixlen)}`).join(', ');
    return [
      {
        id: `network.shared:${name}`,
        level: 'warning',
        what: `${bridge} has another address besides ${gateway}: ${shown}`,
        means:
          'Another minidock, with another root, uses the same bridge: its containers and those of this root are ' +
          "neighbours, and reach each other's unpublished ports.",
        todo: [
          `If no other minidock exists: ${others.map(({ local, prefixlen }) => `ip address del ${local}/${String(prefixlen)} dev ${bridge}`).join('; ')}`,
        ],
      },
    ];
  });
}

async function examineEndpoints(view: View): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { name, key, endpoint } of view.running.flatMap(attachedTo)) {
    const missing = await missingSteps(endpoint, view);
    const titles = [...new Set(missing.map(({ step }) => lowerFirst(step.title)))];
    if (!view.links.some(({ ifname }) => ifname === endpoint.hostVeth)) {
      findings.push({
        id: `network.cable:${key}`,
        level: 'problem',
        what: `${name} has lost its cable ${endpoint.hostVeth}`,
        means: 'It has no network; its program still runs.',
        todo: [`minidock restart ${name}`],
      });
    }
    if (missing.length > 0) {
      findings.push({
        id: `network.missing:${key}`,
        level: 'problem',
        what: `${name} lacks what its start had set up: ${titles.join('; ')}`,
        means:
          'Another program removed it (a firewall restarted, a link was set down), or an older minidock started ' +
          'the container. Connections fail, or forbidden ones pass.',
        todo: missing.map(({ step }) => renderCommand(step.command)),
        mend: () => performAll(missing),
      });
    }
  }
  if (findings.length === 0 && view.running.length > 0)
    findings.push(
      ok('network.containers', `everything that ${count(view.running.length)} set up on this host is there`),
    );
  return findings;
}

interface Attached {
  readonly name: string;
  /** For the id of a finding: of its first network its name alone. */
  readonly key: string;
  readonly endpoint: BridgeEndpoint;
}

const attachedTo = (container: Container): readonly Attached[] =>
  endpointsOf(container).map((endpoint, index) => {
    const { name } = container.config;
    return { name, key: index === 0 ? name : `${name}:${endpoint.interfaceName}`, endpoint };
  });

const count = (containers: number): string =>
  containers === 1 ? 'the running container' : `the ${String(containers)} running containers`;
const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);

/** The steps of a container's network whose effect is gone. */
async function missingSteps(endpoint: BridgeEndpoint, view: View): Promise<readonly Checked[]> {
  const missing: Checked[] = [];
  const firewall = planFirewall(endpoint, view.foreign);
  for (const step of [...planBridge(endpoint.network, endpoint.ipv6), ...firewall, ...planPorts(endpoint)]) {
    const check = step.check ?? portCheck(step);
    const lines = await missingLinesOf(step);
    if (lines.length > 0) missing.push(...lines);
    else if (check !== undefined && !(await holds(check))) missing.push({ step, check });
    else if (step.id === 'firewall.table' && endpoint.firewall === 'nftables' && !hasAllRules(view.table))
      missing.push({ step });
  }
  const veth = view.links.find(({ ifname }) => ifname === endpoint.hostVeth);
  if (veth === undefined) return missing;
  const repairs = [
    ...(veth.master === endpoint.network.bridge ? [] : ['veth.attach', 'veth.hairpin']),
    ...(veth.flags.includes('UP') ? [] : ['veth.up']),
  ];
  for (const step of planVeth(endpoint)) {
    const check = settingCheck(step);
    if (repairs.includes(step.id)) missing.push({ step });
    else if (check !== undefined && !(await holds(check))) missing.push({ step, check });
  }
  return missing;
}

/** A kernel file must still hold what the step wrote. */
const settingCheck = ({ command }: HostStep): Check | undefined =>
  command.kind === 'write' ? { kind: 'file-contains', path: command.path, text: command.text } : undefined;

/** A published port is looked for only here: what its withdrawal deletes is to be there. */
function portCheck({ undo }: HostStep): Check | undefined {
  if (undo.kind !== 'command' || undo.command.kind !== 'run') return undefined;
  const asked = undo.command.argv.map((word) => ({ delete: 'get', '-D': '-C' })[word] ?? word);
  return { kind: 'run', argv: asked as unknown as Argv };
}

/** The repair of another container of the network may have restored it. */
async function performAll(missing: readonly Checked[]): Promise<readonly string[]> {
  const done: string[] = [];
  for (const { step, check } of missing) {
    if (check !== undefined && (await holds(check))) continue;
    await performHostCommand(step.command);
    done.push(renderCommand(step.command));
  }
  return done;
}
