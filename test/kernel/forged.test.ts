/**
 * What a container with CAP_NET_RAW makes of it: frames that no kernel would send in its name, each with both
 * back-ends. Whether one got through is known without waiting: an honest datagram follows by the same way, and is
 * heard after it. The cast, besides the throw-away host, which filters no source addresses (rp_filter 0):
 *
 *   forger, other   containers of network 0      guest    a container of network 1, which forges too
 *   listeners       on every address of the host, on its 127.0.0.1 alone, outside, and in `other`
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import {
  ALL_NODES,
  frame,
  ipv4,
  ipv6,
  PORT_ITSELF,
  routerAdvertisement,
  udp,
  type Ends,
} from '../support/host/frames.ts';
import { listen, macOf, sendFrames, type Listener } from '../support/host/forger.ts';
import {
  createHost,
  HOST_ADDRESS,
  INTERNET_ADDRESS,
  OUTSIDE_ADDRESS,
  type TestHost,
} from '../support/host/host.ts';
import {
  bridgeEndpoint,
  bridgeNetwork,
  wireContainer,
  type WiredContainer,
} from '../support/wired-container.ts';

const GATEWAY = '172.17.0.1';
const GUEST_GATEWAY = '172.18.0.1';
const PORT = 7777;
const LOCAL_PORT = 7778;
const ROUTER = 'fe80::bad';
const PREFIX = '2001:db8:bad::';

describe.each<FirewallBackend>(['nftables', 'iptables'])('%s', (backend) => {
  let host: TestHost;
  let forger: WiredContainer;
  let other: WiredContainer;
  let guest: WiredContainer;
  let onHost: Listener;
  let onLocalhost: Listener;
  let outside: Listener;
  let inOther: Listener;
  let onHostByIpv6: Listener;

  beforeAll(async () => {
    host = await createHost();
    await host.run(['bash', '-c', 'echo 0 | tee /proc/sys/net/ipv4/conf/{all,default,eth0}/rp_filter']);
    forger = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 9, backend));
    other = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 3, backend));
    guest = await wireContainer(host, bridgeEndpoint(bridgeNetwork(1), 9, backend));
    // The machine outside hears what leaves, whatever it claims to be.
    await host.outside(['bash', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet']);
    [onHost, onLocalhost, outside, inOther, onHostByIpv6] = await Promise.all([
      listen(host, 'host', PORT),
      listen(host, 'host', LOCAL_PORT, '127.0.0.1'),
      listen(host, 'outside', PORT),
      listen(host, other.where, PORT),
      listen(host, 'host', PORT, '::'),
    ]);
  }, 30_000);

  afterAll(() => host.dispose());

  const mac = (from: WiredContainer, destination: string): Ends => ({
    source: from.endpoint.macAddress,
    destination,
  });

  /** From a container, or from the machine outside, to the host's own end of the wire. */
  const toHost = async (
    from: WiredContainer | 'outside',
    ends: Ends,
    text: string,
    port = PORT,
  ): Promise<string> => {
    const near = from === 'outside' ? 'eth0' : from.endpoint.network.bridge;
    const hardware = await macOf(host, 'host', near);
    const source = from === 'outside' ? await macOf(host, 'outside', 'eth0') : from.endpoint.macAddress;
    return frame({ source, destination: hardware }, 'ipv4', ipv4(ends, udp(4000, port, text))).toString(
      'hex',
    );
  };

  const send = (from: WiredContainer | 'outside', ...frames: readonly string[]): Promise<void> =>
    sendFrames(host, from === 'outside' ? from : from.where, 'eth0', frames);

  const ownAddress = (from: WiredContainer | 'outside'): string =>
    from === 'outside' ? OUTSIDE_ADDRESS : from.endpoint.address;

  describe('127.0.0.0/8 as the source', () => {
    const sources = ['127.0.0.1', '127.0.0.2'];
    const ways = (): readonly (readonly [string, WiredContainer | 'outside', string])[] => [
      ['the gateway', forger, GATEWAY],
      ["another network's gateway", forger, GUEST_GATEWAY],
      ["the host's address", forger, HOST_ADDRESS],
      ["the host's address, of another network", guest, HOST_ADDRESS],
      ["the host's address, from the uplink", 'outside', HOST_ADDRESS],
    ];
    test('reaches no service of the host', async () => {
      for (const [name, from, destination] of ways()) {
        const forged = await Promise.all(
          sources.map((source) => toHost(from, { source, destination }, `forged: ${name}`)),
        );
        const honest = await toHost(from, { source: ownAddress(from), destination }, `honest: ${name}`);
        await send(from, ...forged, honest);
        await onHost.heard(`honest: ${name}`);
      }
      expect(onHost.all().filter((line) => line.includes('forged'))).toEqual([]);
    });

    test('does not leave by the uplink', async () => {
      const to = { destination: INTERNET_ADDRESS };
      const forged = await Promise.all(sources.map((source) => toHost(forger, { source, ...to }, 'forged')));
      await send(
        forger,
        ...forged,
        await toHost(forger, { source: forger.endpoint.address, ...to }, 'honest'),
      );
      await outside.heard('honest');
      expect(outside.all().filter((line) => line.includes('forged'))).toEqual([]);
    });
  });

  test('127.0.0.0/8 as the destination reaches nothing that listens there', async () => {
    const to = { destination: '127.0.0.1' };
    for (const from of [forger, guest, 'outside'] as const) {
      await send(
        from,
        await toHost(from, { source: ownAddress(from), ...to }, 'forged', LOCAL_PORT),
        await toHost(from, { source: '127.0.0.1', ...to }, 'forged', LOCAL_PORT),
        await toHost(
          from,
          { source: ownAddress(from), destination: HOST_ADDRESS },
          `after ${ownAddress(from)}`,
        ),
      );
      await onHost.heard(`after ${ownAddress(from)}`);
    }
    expect(onLocalhost.all()).toEqual([]);
  });

  test("an address of the host's as the source reaches none of its services", async () => {
    for (const source of [HOST_ADDRESS, GATEWAY, GUEST_GATEWAY]) {
      await send(
        forger,
        await toHost(forger, { source, destination: HOST_ADDRESS }, 'as the host'),
        await toHost(forger, { source: forger.endpoint.address, destination: HOST_ADDRESS }, `not ${source}`),
      );
      await onHost.heard(`not ${source}`);
    }
    expect(onHost.all().filter((line) => line.startsWith('as the host'))).toEqual([]);
  });

  test("a neighbour's address as the source does not open that neighbour's network", async () => {
    const to = { destination: other.endpoint.address };
    await send(
      guest,
      await toHost(guest, { source: forger.endpoint.address, ...to }, 'as a neighbour'),
      await toHost(guest, { source: ownAddress(guest), destination: HOST_ADDRESS }, 'not a neighbour'),
    );
    await onHost.heard('not a neighbour');
    const { source, destination } = {
      source: forger.endpoint.macAddress,
      destination: other.endpoint.macAddress,
    };
    const honest = ipv4({ source: forger.endpoint.address, ...to }, udp(4000, PORT, 'a neighbour'));
    await send(forger, frame({ source, destination }, 'ipv4', honest).toString('hex'));
    await inOther.heard('a neighbour');
    expect(inOther.all().filter((line) => line.startsWith('as'))).toEqual([]);
  });

  // One such packet would make an entry in conntrack, and whatever answers it counts as established from then on.
  test("a container's address as the source, on another way than its bridge, opens no way to it", async () => {
    const to = { destination: OUTSIDE_ADDRESS };
    for (const [from, honest] of [
      ['outside', '192.0.2.77'],
      [guest, ownAddress(guest)],
    ] as const) {
      await send(
        from,
        await toHost(from, { source: other.endpoint.address, ...to }, 'as a container'),
        await toHost(from, { source: honest, ...to }, `honest, from ${honest}`),
      );
      await outside.heard(`honest, from ${honest}`);
    }
    expect(outside.all().filter((line) => line.startsWith('as a container'))).toEqual([]);
  });

  // A bridge leaves frames for this address to the port, past every rule that names the bridge.
  test('a frame for the port itself brings no packet to the host', async () => {
    // An address of the world's, too: another rule asks where those of containers come from.
    const forged = [forger.endpoint.address, OUTSIDE_ADDRESS].map((source) =>
      ipv4({ source, destination: GATEWAY }, udp(4000, PORT, `by the port from ${source}`)),
    );
    await send(
      forger,
      ...forged.map((packet) => frame(mac(forger, PORT_ITSELF), 'ipv4', packet).toString('hex')),
      await toHost(forger, { source: forger.endpoint.address, destination: GATEWAY }, 'by the bridge'),
    );
    await onHost.heard('by the bridge');
    expect(onHost.all().filter((line) => line.startsWith('by the port'))).toEqual([]);
  });

  /** To every node of the link, which a link-local address is not needed for. */
  const byIpv6 = (source: string, hardware: Ends, text: string): string => {
    const packet = ipv6({ source, destination: ALL_NODES.address }, udp(4000, PORT, text));
    return frame(hardware, 'ipv6', packet).toString('hex');
  };

  test.each([
    ['of the bridge', ALL_NODES.mac],
    ['of the port', PORT_ITSELF],
  ])('nothing reaches a service of the host by IPv6 %s', async (_, destination) => {
    const to = { source: forger.endpoint.address, destination: GATEWAY };
    await send(
      forger,
      byIpv6('fe80::9', mac(forger, destination), 'by IPv6'),
      byIpv6('::1', mac(forger, destination), 'as ::1'),
      await toHost(forger, to, `by IPv4 ${destination}`),
    );
    await onHost.heard(`by IPv4 ${destination}`);
    expect(onHostByIpv6.all().filter((line) => !line.includes('uplink'))).toEqual([]);
  });

  // Where IPv6 stays on, the kernel itself takes no such source off a wire.
  test('::1 as the source is not heard from the uplink either', async () => {
    const ends = { source: await macOf(host, 'outside', 'eth0'), destination: ALL_NODES.mac };
    await send('outside', byIpv6('::1', ends, 'uplink as ::1'), byIpv6('fe80::9', ends, 'uplink'));
    await onHostByIpv6.heard('uplink');
    expect(onHostByIpv6.all().filter((line) => line.startsWith('uplink as'))).toEqual([]);
  });

  test.each([
    ['to the bridge', ALL_NODES.mac],
    ['to the port itself', PORT_ITSELF],
  ])('a router advertisement %s gives the host no address and no route', async (_, destination) => {
    const advertisement = ipv6(
      { source: ROUTER, destination: ALL_NODES.address },
      routerAdvertisement(PREFIX),
    );
    await send(
      forger,
      frame(mac(forger, destination), 'ipv6', advertisement).toString('hex'),
      await toHost(
        forger,
        { source: forger.endpoint.address, destination: GATEWAY },
        `router ${destination}`,
      ),
    );
    await onHost.heard(`router ${destination}`);
    const { stdout } = await host.run(['bash', '-c', 'ip -6 route show table all; ip -6 address']);
    expect(stdout.split('\n').filter((line) => /bad|proto ra|dev (minidock|mdv)/.test(line))).toEqual([]);
  });
});
