/**
 * A packet whose UDP header is not where a firewall looks first: behind extension headers, or in a later fragment. It goes
 * where a plain one may not go. An honest datagram of the host's follows by the same way, so nothing is waited for.
 */
import { listen, macOf, sendFrames } from '../../../support/host/forger.ts';
import { ALL_NODES, extended, fragments, frame, ipv6, udp, type Ends } from '../../../support/host/frames.ts';
import type { Where } from '../../../support/host/host.ts';
import { giveIpv6, HOST_ADDRESS6, INTERNET_ADDRESS6, OUTSIDE_ADDRESS6 } from '../../../support/host/ipv6.ts';
import type { AttackCase, Stage } from '../../case.ts';
import { evidence, must, sendBefore, start, toGateway, withContainers, type Container } from '../network.ts';
import { PORT, send } from './former-flows.ts';

/** Long enough that the second fragment has the text's end. */
const TEXT = 'forged, and long enough for fragments';

/** The same datagram, plain and in each disguise. */
function disguised(ends: Ends): readonly Buffer[] {
  const plain = ipv6(ends, udp(4000, PORT, TEXT));
  return [
    plain,
    extended(plain, ['hopByHop']),
    extended(plain, ['destinationOptions', 'destinationOptions']),
    ...fragments(plain, 8, 1),
    ...fragments(plain, 24, 2),
    ...fragments(extended(plain, ['destinationOptions']), 8, 3),
  ];
}

const framed = (from: Container, mac: string, ends: Ends): readonly Buffer[] =>
  disguised(ends).map((packet) => frame({ source: from.mac, destination: mac }, 'ipv6', packet));

/** What a listener hears of the frames, until it hears an honest datagram of the host's. */
async function heard(
  stage: Stage,
  from: Container,
  frames: readonly Buffer[],
  at: { readonly where: Where; readonly address: string },
): Promise<string | undefined> {
  const service = await listen(stage.host, at.where, PORT, '::');
  // An internal network has no gateway to name, but the host's address.
  const own = from.address.replace(/\d+$/, '1');
  await sendBefore(stage, from, frames, { ...toGateway(from), destination: own });
  await send(stage, 'host', 'honest', 4321, at.address);
  await service.heard('honest');
  await service.close();
  return evidence(service.all().filter((line) => !line.startsWith('honest')));
}

async function withNetwork(
  stage: Stage,
  flags: readonly string[],
  names: readonly string[],
  attack: (forger: Container, victim: Container) => Promise<string | undefined>,
): Promise<string | undefined> {
  await giveIpv6(stage.host);
  await must(stage.minidock('network', 'create', '--ipv6', ...flags, 'evasive6'));
  return await withContainers(stage, names, ['--network', 'evasive6'], async (forger, victim = forger) => {
    if (forger === undefined || victim === undefined) throw new Error('no container was started');
    return await attack(forger, victim);
  });
}

export const evasion6Cases: readonly AttackCase[] = [
  {
    name: 'ipv6-evasion-to-another-network',
    story:
      'A container sends to a port of another network that nobody published, behind extension headers and in fragments.',
    guard: true,
    attack: (stage) =>
      withNetwork(stage, [], ['evader6'], async (forger) => {
        await must(stage.minidock('network', 'create', '--ipv6', 'other6'));
        const image = await stage.image({ files: {} });
        const victim = await start(stage, 'distant6', image, ['--network', 'other6']);
        try {
          const ends = { source: forger.address6, destination: victim.address6 };
          const at = { where: victim.where, address: victim.address6 };
          return await heard(stage, forger, framed(forger, forger.bridgeMac, ends), at);
        } finally {
          await must(stage.minidock('rm', '-f', 'distant6'));
        }
      }),
  },
  {
    name: 'ipv6-evasion-to-a-neighbour',
    story:
      'A container sends to a neighbour on a network without communication between containers, by each way there is.',
    guard: true,
    attack: (stage) =>
      withNetwork(
        stage,
        ['-o', 'com.docker.network.bridge.enable_icc=false'],
        ['evader6', 'neighbour6'],
        async (forger, victim) => {
          const ends = { source: forger.address6, destination: victim.address6 };
          const macs = [victim.mac, forger.bridgeMac, ALL_NODES.mac];
          const frames = [
            ...macs.flatMap((mac) => framed(forger, mac, ends)),
            ...framed(forger, ALL_NODES.mac, { ...ends, destination: ALL_NODES.address }),
          ];
          return await heard(stage, forger, frames, { where: victim.where, address: victim.address6 });
        },
      ),
  },
  {
    name: 'ipv6-evasion-out-of-an-internal-network',
    story:
      'A container of an internal network sends to the world by way of the host, in its own name and in others.',
    guard: true,
    attack: (stage) =>
      withNetwork(stage, ['--internal'], ['evader6'], async (forger) => {
        const frames = [forger.address6, HOST_ADDRESS6].flatMap((source) =>
          framed(forger, forger.bridgeMac, { source, destination: INTERNET_ADDRESS6 }),
        );
        return await heard(stage, forger, frames, { where: 'outside', address: OUTSIDE_ADDRESS6 });
      }),
  },
  {
    name: 'ipv6-evasion-to-a-loopback-port',
    story: 'A machine outside, and a container, send to a port that is published on [::1] alone.',
    guard: true,
    attack: async (stage) => {
      return await withNetwork(stage, [], ['evader6'], async (forger) => {
        await must(stage.minidock('network', 'create', '--ipv6', 'local6'));
        const image = await stage.image({ files: {} });
        const publish = ['-p', `[::1]:${String(PORT)}:${String(PORT)}/udp`];
        const victim = await start(stage, 'local6', image, ['--network', 'local6', ...publish]);
        try {
          const destinations = ['::1', HOST_ADDRESS6, victim.address6];
          const mac = {
            source: await macOf(stage.host, 'outside', 'eth0'),
            destination: await macOf(stage.host, 'host', 'eth0'),
          };
          const packets = destinations.flatMap((destination) => [
            ...disguised({ source: OUTSIDE_ADDRESS6, destination }),
            ...disguised({ source: '::1', destination }),
          ]);
          const frames = destinations.flatMap((destination) => [
            ...framed(forger, forger.bridgeMac, { source: forger.address6, destination }),
            ...framed(forger, forger.bridgeMac, { source: '::1', destination }),
          ]);
          const service = await listen(stage.host, victim.where, PORT, '::');
          const hex = packets.map((packet) => frame(mac, 'ipv6', packet).toString('hex'));
          await sendFrames(stage.host, 'outside', 'eth0', hex);
          await sendBefore(stage, forger, frames, toGateway(forger));
          await send(stage, 'host', 'honest', 4321, '::1');
          await service.heard('honest');
          await service.close();
          return evidence(service.all().filter((line) => !line.startsWith('honest')));
        } finally {
          await must(stage.minidock('rm', '-f', 'local6'));
        }
      });
    },
  },
];
