/**
 * What a container with CAP_NET_RAW makes of a network with IPv6: frames that no kernel would send in its name, with both
 * back-ends, as forged.test.ts has them for IPv4. Whether one got through is known without waiting: an honest datagram
 * follows by the same way, and is heard after it.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { listen, macOf, sendFrames, type Listener } from '../support/host/forger.ts';
import {
  ALL_NODES,
  frame,
  ipv6,
  PORT_ITSELF,
  routerAdvertisement,
  udp,
  type Ends,
} from '../support/host/frames.ts';
import { createHost, type TestHost } from '../support/host/host.ts';
import { succeed } from '../support/images/image.ts';
import { dualEndpoint, giveIpv6, HOST_ADDRESS6, OUTSIDE_ADDRESS6 } from '../support/host/ipv6.ts';
import { wireContainer, type WiredContainer } from '../support/wired-container.ts';

const PORT = 7777;
const ROUTER = 'fe80::bad';
const PREFIX = '2001:db8:bad::';
const GATEWAY = 'fd00:0::1';
const CONF = '/proc/sys/net/ipv6/conf';

describe.each<FirewallBackend>(['nftables', 'iptables'])('%s', (backend) => {
  let host: TestHost;
  let forger: WiredContainer;
  let other: WiredContainer;
  let guest: WiredContainer;
  let onHost: Listener;
  let outside: Listener;
  let inOther: Listener;

  beforeAll(async () => {
    host = await createHost();
    await giveIpv6(host);
    forger = await wireContainer(host, dualEndpoint(0, 9, backend));
    other = await wireContainer(host, dualEndpoint(0, 3, backend));
    guest = await wireContainer(host, dualEndpoint(1, 9, backend));
    [onHost, outside, inOther] = await Promise.all([
      listen(host, 'host', PORT, '::'),
      listen(host, 'outside', PORT, '::'),
      listen(host, other.where, PORT, '::'),
    ]);
  }, 30_000);
  afterAll(() => host.dispose());

  /** A datagram in a frame for the host's end of the wire. */
  async function toHost(from: WiredContainer | 'outside', ends: Ends, text: string): Promise<string> {
    const near = from === 'outside' ? 'eth0' : from.endpoint.network.bridge;
    const source = from === 'outside' ? await macOf(host, 'outside', 'eth0') : from.endpoint.macAddress;
    const mac = { source, destination: await macOf(host, 'host', near) };
    return frame(mac, 'ipv6', ipv6(ends, udp(4000, PORT, text))).toString('hex');
  }
  const send = (from: WiredContainer | 'outside', ...frames: readonly string[]): Promise<void> =>
    sendFrames(host, from === 'outside' ? from : from.where, 'eth0', frames);
  const own = (from: WiredContainer | 'outside'): string =>
    from === 'outside' ? OUTSIDE_ADDRESS6 : (from.endpoint.address6 ?? '');
  const heard = (listener: Listener, text: string): readonly string[] =>
    listener.all().filter((line) => line.startsWith(text));

  test('an address of the host as the source, ::1 too, reaches none of its services', async () => {
    for (const source of [HOST_ADDRESS6, GATEWAY, 'fd00:1::1', '::1']) {
      await send(
        forger,
        await toHost(forger, { source, destination: HOST_ADDRESS6 }, 'as the host'),
        await toHost(forger, { source: own(forger), destination: HOST_ADDRESS6 }, `not ${source}`),
      );
      await onHost.heard(`not ${source}`);
    }
    expect(heard(onHost, 'as the host')).toEqual([]);
  });

  test.each([
    ['of somebody in the world', '2001:db8:77::7'],
    ['of a container of another network', 'fd00:1::9'],
  ])('a source %s goes neither to the host nor to the world', async (_, source) => {
    for (const [destination, listener] of [
      [HOST_ADDRESS6, onHost],
      [OUTSIDE_ADDRESS6, outside],
    ] as const) {
      await send(
        forger,
        await toHost(forger, { source, destination }, 'as another'),
        await toHost(forger, { source: own(forger), destination }, `honest ${source}`),
      );
      await listener.heard(`honest ${source}`);
      expect(heard(listener, 'as another')).toEqual([]);
    }
  });

  // One such packet would make an entry in conntrack, and whatever answers it counts as established from then on.
  test("a container's address as the source, on another way than its bridge, opens no way to it", async () => {
    for (const [from, honest] of [
      ['outside', '2001:db8:1::77'],
      [guest, own(guest)],
    ] as const) {
      const to = { destination: OUTSIDE_ADDRESS6 };
      await send(
        from,
        await toHost(from, { source: own(other), ...to }, 'as a container'),
        await toHost(from, { source: honest, ...to }, `honest, from ${honest}`),
      );
      await outside.heard(`honest, from ${honest}`);
    }
    expect(heard(outside, 'as a container')).toEqual([]);
  });

  test("a neighbour's address as the source does not open that neighbour's network", async () => {
    const to = { destination: own(other) };
    await send(
      guest,
      await toHost(guest, { source: own(forger), ...to }, 'as a neighbour'),
      await toHost(guest, { source: own(guest), destination: HOST_ADDRESS6 }, 'not a neighbour'),
    );
    await onHost.heard('not a neighbour');
    const mac = { source: forger.endpoint.macAddress, destination: other.endpoint.macAddress };
    const honest = ipv6({ source: own(forger), ...to }, udp(4000, PORT, 'a neighbour'));
    await send(forger, frame(mac, 'ipv6', honest).toString('hex'));
    await inOther.heard('a neighbour');
    expect(heard(inOther, 'as')).toEqual([]);
  });

  test('a frame for the port itself brings no packet to the host, also with IPv6 on everywhere', async () => {
    await succeed(host.run(['bash', '-c', `echo 0 >${CONF}/${forger.endpoint.hostVeth}/disable_ipv6`]));
    // An address of the world's, too: another rule asks where those of containers come from.
    const forged = [own(forger), OUTSIDE_ADDRESS6].map((source) =>
      ipv6({ source, destination: GATEWAY }, udp(4000, PORT, 'by the port')),
    );
    const mac = { source: forger.endpoint.macAddress, destination: PORT_ITSELF };
    await send(
      forger,
      ...forged.map((packet) => frame(mac, 'ipv6', packet).toString('hex')),
      await toHost(forger, { source: own(forger), destination: GATEWAY }, 'by the bridge'),
    );
    await onHost.heard('by the bridge');
    expect(heard(onHost, 'by the port')).toEqual([]);
  });

  test('a router advertisement gives neither the host nor a neighbour an address or a route', async () => {
    const packet = ipv6({ source: ROUTER, destination: ALL_NODES.address }, routerAdvertisement(PREFIX));
    const mac = { source: forger.endpoint.macAddress, destination: ALL_NODES.mac };
    const toNeighbour = { source: mac.source, destination: other.endpoint.macAddress };
    const honest = ipv6(
      { source: own(forger), destination: own(other) },
      udp(4000, PORT, 'after the router'),
    );
    await send(
      forger,
      frame(mac, 'ipv6', packet).toString('hex'),
      frame(toNeighbour, 'ipv6', honest).toString('hex'),
      await toHost(forger, { source: own(forger), destination: GATEWAY }, 'after the router'),
    );
    await Promise.all([onHost.heard('after the router'), inOther.heard('after the router')]);
    const look = ['bash', '-c', 'ip -6 route show table all; ip -6 address'];
    for (const { stdout } of [await host.run(look), await other.run(look)])
      expect(stdout.split('\n').filter((line) => /bad|proto ra/.test(line))).toEqual([]);
  });
});

test('a host that has its route from a router keeps it, and goes on believing that router alone', async () => {
  const host = await createHost();
  try {
    const advertise = async (prefix: string): Promise<void> => {
      const packet = ipv6({ source: ROUTER, destination: ALL_NODES.address }, routerAdvertisement(prefix));
      const mac = { source: await macOf(host, 'outside', 'eth0'), destination: ALL_NODES.mac };
      await sendFrames(host, 'outside', 'eth0', [frame(mac, 'ipv6', packet).toString('hex')]);
    };
    const told = async (pattern: RegExp): Promise<void> => {
      const look = ['bash', '-c', 'ip -6 route; ip -6 address'];
      await host.waitFor(
        async () => pattern.test((await host.run(look)).stdout),
        `${String(pattern)} on the host`,
      );
    };
    await advertise('2001:db8:a::');
    await told(/default via fe80::bad dev eth0 proto ra/);
    await wireContainer(host, dualEndpoint(0, 2, 'nftables'));
    await told(/default via fe80::bad dev eth0 proto ra/);
    await advertise('2001:db8:b::');
    await told(/2001:db8:b:/);
    const files = `cat ${CONF}/{all/forwarding,eth0/accept_ra,minidock0/accept_ra}`;
    expect((await succeed(host.run(['bash', '-c', files]))).stdout).toBe('1\n2\n0\n');
  } finally {
    await host.dispose();
  }
}, 30_000);
