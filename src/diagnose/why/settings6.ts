/** Settings of IPv6 (the kernel's ip-sysctl documentation) that stop packets before any rule or route does. */
import { readFileSync } from 'node:fs';
import { FORWARDING, readForwarding } from '../host/ip.ts';
import { SETTINGS6 } from '../host/settings6.ts';
import { bad, isUp } from './findings.ts';
import type { Finding, Journey, Stage } from './model.ts';
import { inStack, type Stack } from './stack.ts';
import { addressAdd, thenDefault, type Home } from './route-fix.ts';

/** Why an interface does not have, or does not use, the IPv6 address that it should have. */
export function checkHome(stack: Stack, home: Home | undefined, stage: Stage): readonly Finding[] {
  if (home === undefined || stack.family === 4) return [];
  const { dev, address, gateway } = home;
  const add = [...stack.enter, addressAdd(home, stack.family)].join(' ');
  const rest = ` && ${add}${thenDefault(stack, gateway)}`;
  const found = switchedOff(stack, dev, stage, rest) ?? duplicateAddress(stack, dev, address, stage);
  return found === undefined ? [] : [found];
}

/** Of those who take part, one whose network does not have the family that the question is about. */
export function checkFamily({ family, from, to }: Journey): Finding | undefined {
  const involved = [
    ...(from.kind === 'container' ? [from.container] : []),
    ...(to === undefined ? [] : [to]),
  ];
  for (const { config, state } of involved) {
    const network = state.network?.network;
    if (network === undefined || network.subnet !== '' || state.network?.address !== '') continue;
    const [name, flag] = family === 6 ? ['IPv6', '--ipv6'] : ['IPv4', '--ipv4'];
    const text = `${config.name} has no ${name} address: its network ${network.name} was made without ${name}`;
    const look = ['minidock', 'network', 'inspect', network.name];
    const fix = `Connect it to a network with ${name}: minidock network create ${flag} NAME && minidock network connect NAME ${config.name}`;
    return { ...bad('target', 'no-family', text, look), fix };
  }
  return undefined;
}

/** In the way of every packet from or to that interface; undefined where IPv6 is on. */
function switchedOff(stack: Stack, ifname: string, stage: Stage, rest: string): Finding | undefined {
  const where = ['all', ifname].filter((name) => stack.withoutIpv6.includes(name));
  if (!stack.withoutIpv6.includes(ifname)) return undefined;
  const show = inStack(stack, ['sysctl', ...where.map((name) => `net/ipv6/conf/${name}/disable_ipv6`)]);
  const text = `IPv6 is switched off on ${ifname} of ${stack.name} (disable_ipv6 is 1), which took its addresses away`;
  const fix = inStack(stack, ['sysctl', '-w', `net/ipv6/conf/${ifname}/disable_ipv6=0`]).join(' ');
  return { ...bad(stage, 'ipv6-off', text, show), fix: `${fix}${rest}` };
}

/** The address is there, and the kernel does not use it: another machine said that it has it. */
function duplicateAddress(stack: Stack, ifname: string, address: string, stage: Stage): Finding | undefined {
  const link = stack.interfaces.find((one) => one.ifname === ifname);
  const own = link?.addr_info.find(({ local, dadfailed }) => local === address && dadfailed === true);
  if (own === undefined) return undefined;
  const text = `the kernel does not use ${address} on ${ifname} of ${stack.name}: another machine on that network has it (duplicate address detection failed)`;
  const again = (verb: string, more: string): string =>
    inStack(stack, ['ip', 'address', verb, `${address}/${own.prefixlen}`, 'dev', ifname]).join(' ') + more;
  const fix = `${again('del', '')} && ${again('add', ' nodad')}`;
  const show = inStack(stack, ['ip', '-6', 'address', 'show', 'dev', ifname]);
  return { ...bad(stage, 'duplicate-address', text, show), fix };
}

/** A host without a default route that forwards, and so believes no router; undefined where that is not why. */
export function routersIgnored(host: Stack): Finding | undefined {
  if (host.family !== 6 || !readForwarding(FORWARDING[6])) return undefined;
  if (host.routes.some(({ dst, type }) => dst === 'default' && type === undefined)) return undefined;
  const link = host.interfaces.find(
    (one) =>
      isUp(one) &&
      one.link_type === 'ether' &&
      one.master === undefined &&
      one.linkinfo?.info_kind !== 'bridge' &&
      acceptRa(one.ifname) === '1',
  );
  if (link === undefined) return undefined;
  const path = `${SETTINGS6}/${link.ifname}/accept_ra`;
  const text = `it forwards, and so it ignores the router advertisements on ${link.ifname} (accept_ra is 1)`;
  const fix = `echo 2 > ${path}, if a router there announces itself; otherwise: ip -6 route add default via ADDRESS-OF-YOUR-ROUTER`;
  return { ...bad('routing', 'routers-ignored', text, ['cat', path]), fix };
}

function acceptRa(ifname: string): string {
  try {
    return readFileSync(`${SETTINGS6}/${ifname}/accept_ra`, 'utf8').trim();
  } catch {
    return ''; // The interface has gone.
  }
}
