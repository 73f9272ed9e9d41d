/**
 * The firewall's promises, each with real packets and with both back-ends. The cast, besides the throw-away host:
 *
 *   web, other    containers of network 0      guest    a container of network 1
 *   outside       another host on the uplink, which has routes through this host to everything behind it
 *   third         a machine behind this host (203.0.113.2) that serves on 8080 itself
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { planPorts } from '../../runtime/network/firewall/backend.ts';
import type { FirewallBackend, PortBinding } from '../../runtime/network/types.ts';
import {
  createHost,
  HOST_ADDRESS,
  INTERNET_ADDRESS,
  OUTSIDE_ADDRESS,
  type TestHost,
} from '../support/host/host.ts';
import type { HostSnapshot } from '../support/host/host-snapshot.ts';
import { undoSteps } from '../support/kernel/step-runner.ts';
import {
  askUdp,
  bridgeEndpoint,
  bridgeNetwork,
  fetchFrom,
  serve,
  wireContainer,
  type WiredContainer,
} from '../support/wired-container.ts';

const tcp = (hostPort: number, containerPort: number, hostIp = '0.0.0.0'): PortBinding => ({
  hostIp,
  hostPort,
  containerPort,
  protocol: 'tcp',
});

const PORTS: readonly PortBinding[] = [
  tcp(8080, 80),
  tcp(8081, 80, '127.0.0.1'),
  tcp(8082, 80, HOST_ADDRESS),
  { hostIp: '0.0.0.0', hostPort: 5353, containerPort: 53, protocol: 'udp' },
  tcp(9000, 7000),
  tcp(9001, 7001),
  tcp(9002, 7002),
  // One port, two addresses, two containers' worth of destinations.
  tcp(8090, 80, '127.0.0.1'),
  tcp(8090, 7000, HOST_ADDRESS),
];

const THIRD_ADDRESS = '203.0.113.2';
const THIRD_GATEWAY = '203.0.113.1';

describe.each<FirewallBackend>(['nftables', 'iptables'])('%s', (backend) => {
  let host: TestHost;
  let web: WiredContainer;
  let other: WiredContainer;
  let guest: WiredContainer;
  const webAddress = '172.17.0.2';
  const gateway = '172.17.0.1';

  beforeAll(async () => {
    host = await createHost();
    web = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 2, backend, PORTS));
    other = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 3, backend));
    guest = await wireContainer(host, bridgeEndpoint(bridgeNetwork(1), 2, backend));
    await addThirdMachine(host);
    await Promise.all([
      serve(host, web.where, 'web', 'tcp:80', 'tcp:81', 'tcp:7000', 'tcp:7001', 'tcp:7002', 'udp:53'),
      serve(host, other.where, 'other', 'tcp:80'),
      serve(host, guest.where, 'guest', 'tcp:80'),
      serve(host, 'outside', 'outside', 'tcp:80'),
      serve(host, { netns: 'third' }, 'third', 'tcp:8080'),
      serve(host, 'host', 'host', 'tcp:127.0.0.1:9999'),
    ]);
  }, 30_000);

  afterAll(() => host.dispose());

  describe('a published port is reached', () => {
    test.each([HOST_ADDRESS, '127.0.0.1', '127.1.2.3', gateway, THIRD_GATEWAY])(
      'from the host, by %s',
      async (address) => {
        expect(await fetchFrom(host.run, `${address}:8080`)).toMatch(/^web saw /);
      },
    );

    test('from localhost, by name', async () => {
      expect(await fetchFrom(host.run, 'localhost:8080')).toBe(`web saw ${gateway}`);
    });

    test('from outside, which the container sees with its own address', async () => {
      expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8080`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
      const far = await fetchFrom(host.outside, `${HOST_ADDRESS}:8080`, '--interface', INTERNET_ADDRESS);
      expect(far).toBe(`web saw ${INTERNET_ADDRESS}`);
    });

    test.each([HOST_ADDRESS, gateway])('from another container, by %s', async (address) => {
      expect(await fetchFrom(other.run, `${address}:8080`)).toMatch(/^web saw /);
    });

    test.each([HOST_ADDRESS, gateway])('from the container itself, by %s', async (address) => {
      expect(await fetchFrom(web.run, `${address}:8080`)).toMatch(/^web saw /);
    });

    test('from a container of another network', async () => {
      expect(await fetchFrom(guest.run, `${HOST_ADDRESS}:8080`)).toMatch(/^web saw /);
    });

    test.each([9000, 9001, 9002])('as one of a range: %d', async (port) => {
      expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:${port}`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
    });

    test('over UDP: from outside, from the host, from localhost, from a container and from itself', async () => {
      expect(await askUdp(host.outside, HOST_ADDRESS, 5353)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
      expect(await askUdp(host.run, HOST_ADDRESS, 5353)).toMatch(/^web saw /);
      expect(await askUdp(host.run, '127.0.0.1', 5353)).toMatch(/^web saw /);
      expect(await askUdp(other.run, HOST_ADDRESS, 5353)).toMatch(/^web saw /);
      expect(await askUdp(web.run, HOST_ADDRESS, 5353)).toMatch(/^web saw /);
    });
  });

  test('all the same where the kernel does not filter bridged frames, as without br_netfilter', async () => {
    const file = '/proc/sys/net/bridge/bridge-nf-call-iptables';
    const set = (value: string): Promise<unknown> =>
      host.run(['bash', '-c', `[ ! -e ${file} ] || echo ${value} >${file}`]);
    await set('0');
    try {
      for (const { run } of [other, web, guest]) {
        expect(await fetchFrom(run, `${HOST_ADDRESS}:8080`)).toMatch(/^web saw /);
        expect(await askUdp(run, HOST_ADDRESS, 5353)).toMatch(/^web saw /);
      }
      expect(await fetchFrom(other.run, `${webAddress}:81`)).toBe('web saw 172.17.0.3');
    } finally {
      await set('1');
    }
  });

  describe('a port published on one address', () => {
    test('of the host is reached there and only there', async () => {
      expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8082`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
      expect(await fetchFrom(host.run, '127.0.0.1:8082')).toBe('');
    });

    test('of loopback is reached from the host and not over the wire', async () => {
      expect(await fetchFrom(host.run, '127.0.0.1:8081')).toBe(`web saw ${gateway}`);
      expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8081`)).toBe('');
      expect(await fetchFrom(other.run, `${HOST_ADDRESS}:8081`)).toBe('');
    });

    test('may lead elsewhere than on another address', async () => {
      expect(await fetchFrom(host.run, '127.0.0.1:8090')).toBe(`web saw ${gateway}`);
      expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8090`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
    });
  });

  test('packets forged for 127.0.0.1 on the bridge reach neither a published port nor a service of the host', async () => {
    const forger = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 9, backend));
    const forge = await forger.run(['bash', '-ec', FORGE_LOOPBACK]);
    expect(forge.stderr).toBe('');
    expect(await fetchFrom(host.run, '127.0.0.1:9999')).toBe('host saw 127.0.0.1');
    expect(await fetchFrom(forger.run, '127.0.0.1:9999')).toBe('');
    expect(await fetchFrom(forger.run, '127.0.0.1:8081')).toBe('');
    await undoSteps(host, forger.steps);
  });

  describe('nothing else is reached from outside', () => {
    test.each([`${webAddress}:80`, `${webAddress}:81`, `${HOST_ADDRESS}:80`, `${HOST_ADDRESS}:81`])(
      '%s',
      async (target) => {
        expect(await fetchFrom(host.outside, target)).toBe('');
      },
    );

    test('while the host reaches the container by its address, as do its neighbours', async () => {
      expect(await fetchFrom(host.run, `${webAddress}:81`)).toBe(`web saw ${gateway}`);
      expect(await fetchFrom(other.run, `${webAddress}:81`)).toBe('web saw 172.17.0.3');
    });
  });

  test('two networks do not reach each other', async () => {
    expect(await fetchFrom(guest.run, `${webAddress}:80`)).toBe('');
    expect(await fetchFrom(web.run, `${guest.endpoint.address}:80`)).toBe('');
    expect(await fetchFrom(host.run, `${guest.endpoint.address}:80`)).toMatch(/^guest saw /);
  });

  test('a container reaches the world, which sees the host', async () => {
    expect(await fetchFrom(web.run, `${INTERNET_ADDRESS}:80`)).toBe(`outside saw ${HOST_ADDRESS}`);
    expect(await fetchFrom(guest.run, `${INTERNET_ADDRESS}:80`)).toBe(`outside saw ${HOST_ADDRESS}`);
  });

  test('what merely passes through to port 8080 of another machine is left alone', async () => {
    expect(await fetchFrom(host.outside, `${THIRD_ADDRESS}:8080`)).toBe(`third saw ${OUTSIDE_ADDRESS}`);
    expect(await fetchFrom(host.run, `${THIRD_ADDRESS}:8080`)).toBe(`third saw ${THIRD_GATEWAY}`);
    expect(await fetchFrom(web.run, `${THIRD_ADDRESS}:8080`)).toBe(`third saw ${THIRD_GATEWAY}`);
  });

  test('publishing and taking back leaves the rules as they were, and the port closed', async () => {
    const rules = ({ nft, iptables }: HostSnapshot): object => ({ nft, iptables });
    const before = await host.snapshot();
    const ports = [tcp(8500, 80), tcp(8500, 81, '127.0.0.2'), tcp(8600, 7000), tcp(8601, 7001)];
    const late = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 8, backend, ports));
    const server = await serve(host, late.where, 'late', 'tcp:80', 'tcp:81', 'tcp:7000', 'tcp:7001');
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8500`)).toBe(`late saw ${OUTSIDE_ADDRESS}`);
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8601`)).toBe(`late saw ${OUTSIDE_ADDRESS}`);
    expect(rules(await host.snapshot())).not.toEqual(rules(before));
    await undoSteps(host, planPorts(late.endpoint));
    expect(rules(await host.snapshot())).toEqual(rules(before));
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8500`)).toBe('');
    server.kill();
    await server.exited;
    await undoSteps(host, late.steps.slice(0, 1));
    // The kernel takes a namespace apart a moment after its last user is gone.
    const { links, netns } = before;
    await host.waitFor(async () => (await host.snapshot()).links.length === links.length, 'the cable to go');
    expect(await host.snapshot()).toMatchObject({ links, netns });
  });
});

/** A container with CAP_NET_ADMIN can send this; the host must not take it for its own traffic. */
const FORGE_LOOPBACK = `
ip route del local 127.0.0.0/8 table local
ip route del local 127.0.0.1 table local
ip address del 127.0.0.1/8 dev lo 2>/dev/null || :
ip route add 127.0.0.0/8 via 172.17.0.1
echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
`;

async function addThirdMachine(host: TestHost): Promise<void> {
  const { stderr } = await host.run([
    'bash',
    '-ec',
    `ip netns add third
     ip link add lan0 type veth peer name eth0 netns third
     ip address add ${THIRD_GATEWAY}/24 dev lan0
     ip link set lan0 up
     ip -n third address add ${THIRD_ADDRESS}/24 dev eth0
     ip -n third link set eth0 up
     ip -n third route add default via ${THIRD_GATEWAY}`,
  ]);
  expect(stderr).toBe('');
  for (const subnet of ['203.0.113.0/24', '172.17.0.0/16', '172.18.0.0/16']) {
    expect((await host.outside(['ip', 'route', 'add', subnet, 'via', HOST_ADDRESS])).stderr).toBe('');
  }
}
