/**
 * The firewall's promises for IPv6, each with real packets and with both back-ends, as firewall.test.ts has them for IPv4.
 * The cast, besides the throw-away host:
 *
 *   web, other   containers of network 0     guest   a container of network 1    routed, open, inner   of networks 2, 3, 4
 *   outside      another host on the uplink, which has routes through this host to everything behind it
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FirewallBackend, PortBinding } from '../../runtime/network/types.ts';
import { createHost, type TestHost } from '../support/host/host.ts';
import { succeed } from '../support/images/image.ts';
import {
  dualEndpoint,
  giveIpv6,
  HOST_ADDRESS6,
  INTERNET_ADDRESS6,
  OUTSIDE_ADDRESS6,
} from '../support/host/ipv6.ts';
import { undoSteps } from '../support/kernel/step-runner.ts';
import { askUdp, fetchFrom, serve, wireContainer, type WiredContainer } from '../support/wired-container.ts';

const tcp = (hostPort: number, containerPort: number, hostIp = '::'): PortBinding => ({
  ...{ hostIp, hostPort, containerPort },
  protocol: 'tcp',
});
const PORTS: readonly PortBinding[] = [
  tcp(8080, 80),
  tcp(8082, 80, HOST_ADDRESS6),
  tcp(8083, 80, '::1'),
  { hostIp: '::', hostPort: 5353, containerPort: 53, protocol: 'udp' },
  tcp(9000, 7000),
  tcp(9001, 7001),
];
const WEB = 'fd00:0::2';
const GATEWAY = 'fd00:0::1';

describe.each<FirewallBackend>(['nftables', 'iptables'])('%s', (backend) => {
  let host: TestHost;
  let web: WiredContainer;
  let other: WiredContainer;
  let guest: WiredContainer;
  let routed: WiredContainer;
  let inner: WiredContainer;

  beforeAll(async () => {
    host = await createHost();
    await giveIpv6(host);
    web = await wireContainer(host, dualEndpoint(0, 2, backend, PORTS));
    other = await wireContainer(host, dualEndpoint(0, 3, backend));
    guest = await wireContainer(host, dualEndpoint(1, 2, backend));
    routed = await wireContainer(host, dualEndpoint(2, 2, backend, [tcp(8084, 80)], {}, 'routed'));
    const open = await wireContainer(host, dualEndpoint(3, 2, backend, [], {}, 'open'));
    inner = await wireContainer(host, dualEndpoint(4, 2, backend, [], { internal: true }));
    const routes = [0, 1, 2, 3, 4].map((n) => `ip -6 route add fd00:${String(n)}::/64 via ${HOST_ADDRESS6}`);
    await succeed(host.outside(['bash', '-ec', routes.join('; ')]));
    await Promise.all([
      serve(host, web.where, 'web', 'tcp6:80', 'tcp6:81', 'tcp6:7000', 'tcp6:7001', 'udp6:53'),
      serve(host, other.where, 'other', 'tcp6:80'),
      serve(host, guest.where, 'guest', 'tcp6:80'),
      serve(host, routed.where, 'routed', 'tcp6:80', 'tcp6:81'),
      serve(host, open.where, 'open', 'tcp6:81'),
      serve(host, inner.where, 'inner', 'tcp6:80'),
      serve(host, 'outside', 'outside', 'tcp6:80'),
      serve(host, 'host', 'host', 'tcp6:::1:9999', 'tcp6:9998'),
    ]);
  }, 40_000);

  afterAll(() => host.dispose());

  describe('a published port is reached', () => {
    test('from outside, which the container sees with its own address', async () => {
      expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:8080`)).toBe(`web saw ${OUTSIDE_ADDRESS6}`);
      const far = await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:8080`, '--interface', INTERNET_ADDRESS6);
      expect(far).toBe(`web saw ${INTERNET_ADDRESS6}`);
    });

    test.each([HOST_ADDRESS6, GATEWAY, 'fd00:1::1'])('from the host, by %s', async (address) => {
      expect(await fetchFrom(host.run, `[${address}]:8080`)).toMatch(/^web saw /);
    });

    test('from a neighbour, from the container itself and from another network', async () => {
      for (const address of [HOST_ADDRESS6, GATEWAY]) {
        for (const { run } of [other, web, guest])
          expect(await fetchFrom(run, `[${address}]:8080`)).toMatch(/^web saw /);
      }
    });

    test.each([9000, 9001])('as one of a range: %d', async (port) => {
      expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:${String(port)}`)).toMatch(/^web saw /);
    });

    test('over UDP: from outside, from the host, from a container and from itself', async () => {
      expect(await askUdp(host.outside, HOST_ADDRESS6, 5353)).toBe(`web saw ${OUTSIDE_ADDRESS6}`);
      for (const { run } of [host, other, web, guest])
        expect(await askUdp(run, HOST_ADDRESS6, 5353)).toMatch(/^web saw /);
    });

    test('at one address only there', async () => {
      expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:8082`)).toMatch(/^web saw /);
      expect(await fetchFrom(host.run, `[${GATEWAY}]:8082`)).toBe('');
    });
  });

  test('what is published at ::1 is nowhere else, nor led into a bridge', async () => {
    expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:8083`)).toBe('');
    expect(await fetchFrom(host.run, `[${GATEWAY}]:8083`)).toBe('');
  });

  test('::1 of the host stays its own', async () => {
    expect(await fetchFrom(host.run, '[::1]:9999')).toBe('host saw ::1');
    expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:9999`)).toBe('');
  });

  describe('what is not published is not reached', () => {
    test('from outside, which has a route', async () => {
      expect(await fetchFrom(host.outside, `[${WEB}]:80`)).toBe('');
      expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:81`)).toBe('');
      const ping = ['ping', '-6', '-c', '1', '-W', '1', WEB];
      expect((await host.outside(ping)).exitCode).not.toBe(0);
      expect((await host.run(ping)).exitCode).toBe(0);
    });

    test('from another network', async () => {
      expect(await fetchFrom(guest.run, `[${WEB}]:80`)).toBe('');
      expect(await fetchFrom(web.run, '[fd00:1::2]:80')).toBe('');
    });
  });

  test('neighbours and the host reach every port', async () => {
    expect(await fetchFrom(other.run, `[${WEB}]:81`)).toBe('web saw fd00::3');
    expect(await fetchFrom(host.run, `[${WEB}]:81`)).toBe('web saw fd00::1');
  });

  test('the world sees the host in the place of a container, and answers', async () => {
    expect(await fetchFrom(web.run, `[${INTERNET_ADDRESS6}]:80`)).toBe(`outside saw ${HOST_ADDRESS6}`);
    expect(await fetchFrom(web.run, `[${OUTSIDE_ADDRESS6}]:80`)).toBe(`outside saw ${HOST_ADDRESS6}`);
  });

  test('a routed network keeps its addresses, and opens its published ports there alone', async () => {
    expect(await fetchFrom(routed.run, `[${OUTSIDE_ADDRESS6}]:80`)).toBe('outside saw fd00:2::2');
    expect(await fetchFrom(host.outside, '[fd00:2::2]:80')).toBe(`routed saw ${OUTSIDE_ADDRESS6}`);
    expect(await fetchFrom(host.outside, '[fd00:2::2]:81')).toBe('');
    expect(await fetchFrom(guest.run, '[fd00:2::2]:81')).toBe('');
    const ping = await host.outside(['ping', '-6', '-c', '1', '-W', '1', 'fd00:2::2']);
    expect(ping.exitCode).toBe(0);
  });

  test('an unprotected network has every port open', async () => {
    expect(await fetchFrom(host.outside, '[fd00:3::2]:81')).toBe(`open saw ${OUTSIDE_ADDRESS6}`);
  });

  test('an internal network has no way out and none in', async () => {
    expect((await inner.run(['ip', '-6', 'route', 'show', 'default'])).stdout).toBe('');
    await succeed(inner.run(['ip', '-6', 'route', 'add', 'default', 'via', 'fd00:4::1']));
    expect(await fetchFrom(inner.run, `[${OUTSIDE_ADDRESS6}]:80`)).toBe('');
    expect(await fetchFrom(inner.run, '[fd00:1::2]:80')).toBe('');
    expect(await fetchFrom(host.outside, '[fd00:4::2]:80')).toBe('');
    expect(await fetchFrom(host.run, '[fd00:4::2]:80')).toBe('inner saw fd00:4::1');
  });

  test('a second start changes nothing, and the ports alone are taken back', async () => {
    const before = await host.snapshot();
    await wireContainer(host, { ...dualEndpoint(0, 4, backend), hostVeth: 'mdvagain' });
    await host.run(['ip', 'netns', 'delete', dualEndpoint(0, 4, backend).netns]);
    await host.waitFor(
      async () => JSON.stringify(await host.snapshot()) === JSON.stringify(before),
      'the host to be as it was',
    );
    await undoSteps(
      host,
      web.steps.filter(({ id }) => id.startsWith('port.publish')),
    );
    expect(await fetchFrom(host.outside, `[${HOST_ADDRESS6}]:8080`)).toBe('');
    expect(await askUdp(host.outside, HOST_ADDRESS6, 5353)).toBe('');
  });
});
