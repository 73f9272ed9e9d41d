/**
 * A container on a network with IPv6 sends what no kernel would send in its name, as network.ts has it for IPv4. The
 * honest datagram that follows each attempt goes by IPv4, which the network has, too.
 */
import { listen } from '../../../support/host/forger.ts';
import { ALL_NODES, frame, ipv6, PORT_ITSELF, udp, type Ends } from '../../../support/host/frames.ts';
import { giveIpv6, HOST_ADDRESS6 } from '../../../support/host/ipv6.ts';
import type { AttackCase, Stage } from '../../case.ts';
import {
  ADVERTISED,
  advertisement,
  evidence,
  must,
  sendBefore,
  start,
  toGateway,
  withContainers,
  type Container,
} from '../network.ts';

const PORT = 7778;

async function withNetwork(
  stage: Stage,
  names: readonly string[],
  attack: (...containers: readonly Container[]) => Promise<string | undefined>,
): Promise<string | undefined> {
  await giveIpv6(stage.host);
  await must(stage.minidock('network', 'create', '--ipv6', 'six'));
  return await withContainers(stage, names, ['--network', 'six'], attack);
}

const forged = (from: Container, ends: Ends, destination = from.bridgeMac): Buffer =>
  frame({ source: from.mac, destination }, 'ipv6', ipv6(ends, udp(4000, PORT, 'forged')));

/** Datagrams that a service of the host hears, which listens everywhere. */
async function heardOnHost(
  stage: Stage,
  from: Container,
  frames: readonly Buffer[],
): Promise<string | undefined> {
  const service = await listen(stage.host, 'host', PORT, '::');
  await sendBefore(stage, from, frames, toGateway(from));
  await service.close();
  return evidence(service.all());
}

async function linkLocal(stage: Stage, bridge: string): Promise<string> {
  const look = ['ip', '-6', '-o', 'address', 'show', 'dev', bridge, 'scope', 'link'];
  const address = /inet6 ([^/]+)/.exec(await must(stage.host.run(look)))?.[1];
  if (address === undefined) throw new Error(`${bridge} has no link-local address`);
  return address;
}

export const network6Cases: readonly AttackCase[] = [
  {
    name: 'ipv6-router-advertisement',
    story:
      'A container says on a network with IPv6 that it is a router, and hopes to be that of the host, or of a neighbour.',
    cves: ['CVE-2020-13401'],
    short: true,
    attack: (stage) =>
      withNetwork(stage, ['forger6', 'victim6'], async (forger, victim) => {
        if (forger === undefined || victim === undefined) throw new Error('two containers are needed');
        const frames = [ALL_NODES.mac, PORT_ITSELF].map((destination) =>
          frame({ source: forger.mac, destination }, 'ipv6', advertisement),
        );
        await sendBefore(stage, forger, frames, toGateway(forger));
        const honest = { mac: victim.mac, destination: victim.address, hears: victim.where };
        await sendBefore(stage, forger, frames, honest);
        const look = ['bash', '-c', 'ip -6 address; ip -6 route show table all'];
        const told = await Promise.all([
          must(stage.host.run(look)),
          must(stage.host.inNetns(victim.where.netns, look)),
        ]);
        return evidence(
          told
            .join('')
            .split('\n')
            .filter((line) => ADVERTISED.test(line)),
        );
      }),
  },
  {
    name: 'ipv6-forged-source-to-host',
    story:
      'A container speaks to a service of the host in the name of the host, of the world, and of 127.0.0.1 as IPv6 has it.',
    attack: (stage) =>
      withNetwork(stage, ['forger6'], async (forger) => {
        if (forger === undefined) throw new Error('no container was started');
        const sources = [HOST_ADDRESS6, '2001:db8:77::7', '::1', '::ffff:7f00:1', '::7f00:1'];
        const frames = sources.map((source) => forged(forger, { source, destination: HOST_ADDRESS6 }));
        return await heardOnHost(stage, forger, frames);
      }),
  },
  {
    name: 'ipv6-link-local-of-another-link',
    story:
      'A container asks for a link-local address of the host’s that belongs to another link, where a service trusts it.',
    guard: true,
    attack: (stage) =>
      withNetwork(stage, ['forger6'], async (forger) => {
        if (forger === undefined) throw new Error('no container was started');
        const destination = await linkLocal(stage, 'eth0');
        const frames = [forger.address6, 'fe80::9'].map((source) => forged(forger, { source, destination }));
        return await heardOnHost(stage, forger, frames);
      }),
  },
  {
    name: 'ipv6-port-of-another-network',
    story:
      'A container sends to a port of a container of another network, which that has not published, in its own name and in others.',
    attack: (stage) =>
      withNetwork(stage, ['forger6'], async (forger) => {
        if (forger === undefined) throw new Error('no container was started');
        await must(stage.minidock('network', 'create', '--ipv6', 'seven'));
        const image = await stage.image({ files: {} });
        const victim = await start(stage, 'victim7', image, ['--network', 'seven']);
        try {
          const service = await listen(stage.host, victim.where, PORT, '::');
          const sources = [forger.address6, 'fe80::9', HOST_ADDRESS6, victim.address6.replace(/\w+$/, '99')];
          const frames = sources.map((source) => forged(forger, { source, destination: victim.address6 }));
          await sendBefore(stage, forger, frames, toGateway(forger));
          await service.close();
          return evidence(service.all());
        } finally {
          await must(stage.minidock('rm', '-f', 'victim7'));
        }
      }),
  },
];
