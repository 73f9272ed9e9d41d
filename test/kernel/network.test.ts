/** What the network steps leave in the kernel, seen from inside the container's namespace and from the host. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { planBridgeEndpoint, planNoneEndpoint } from '../../runtime/network/plan.ts';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { foldSteps } from '../../runtime/plan/fold.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import { createHost, HOST_ADDRESS, type TestHost } from '../support/host/host.ts';
import { runSteps, undoSteps } from '../support/kernel/step-runner.ts';
import { bridgeEndpoint, bridgeNetwork, wireContainer } from '../support/wired-container.ts';

let host: TestHost;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host.dispose());

const PORTS = [
  { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const },
  { hostIp: '127.0.0.1', hostPort: 5353, containerPort: 53, protocol: 'udp' as const },
];

test('inside are loopback and eth0 with its address, MAC address and default route, and nothing else', async () => {
  const { run } = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 2, 'nftables'));
  const links = JSON.parse((await run(['ip', '-j', 'address'])).stdout) as {
    ifname: string;
    address: string;
    operstate: string;
    addr_info: { family: string; local: string; prefixlen: number; broadcast?: string }[];
  }[];
  expect(links.map(({ ifname }) => ifname)).toEqual(['lo', 'eth0']);
  expect(links[1]).toMatchObject({ address: '02:42:ac:11:00:02', operstate: 'UP' });
  expect(links[1]?.addr_info[0]).toMatchObject({
    family: 'inet',
    local: '172.17.0.2',
    prefixlen: 16,
    broadcast: '172.17.255.255',
  });
  const routes = (await run(['ip', 'route'])).stdout.split('\n').map((line) => line.trim());
  expect(routes).toEqual([
    'default via 172.17.0.1 dev eth0',
    '172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2',
    '',
  ]);
});

test('the container, the gateway and the host reach one another, and containers each other', async () => {
  const one = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 2, 'nftables'));
  const two = await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 3, 'nftables'));
  const ping = (address: string): string[] => ['busybox', 'ping', '-c', '1', '-W', '2', address];
  for (const address of ['127.0.0.1', '172.17.0.2', '172.17.0.1', HOST_ADDRESS, '172.17.0.3']) {
    expect([address, (await one.run(ping(address))).exitCode]).toEqual([address, 0]);
  }
  expect((await two.run(ping('172.17.0.2'))).exitCode).toBe(0);
  expect((await host.run(ping('172.17.0.2'))).exitCode).toBe(0);
  expect((await one.run(ping('172.17.0.99'))).exitCode).not.toBe(0);
});

test('only the bridge carries addresses of 127.0.0.0/8', async () => {
  await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 2, 'nftables'));
  const { stdout } = await host.run(['bash', '-c', 'grep -l 1 /proc/sys/net/ipv4/conf/*/route_localnet']);
  expect(stdout).toBe('/proc/sys/net/ipv4/conf/minidock0/route_localnet\n');
});

test('--network none has loopback, up, and no way out', async () => {
  await runSteps(host, planNoneEndpoint('md-none'));
  const inside = (...argv: string[]): ReturnType<TestHost['run']> => host.inNetns('md-none', argv);
  expect((await inside('ip', '-br', 'link')).stdout).toMatch(/^lo .*LOWER_UP.*\n$/);
  expect((await inside('busybox', 'ping', '-c', '1', '127.0.0.1')).exitCode).toBe(0);
  expect((await inside('ip', 'route')).stdout).toBe('');
  await undoSteps(host, planNoneEndpoint('md-none'));
  expect((await host.snapshot()).netns).toEqual([]);
});

test.each<FirewallBackend>(['nftables', 'iptables'])(
  'with %s: done twice it is there once, and undone it is gone but for what is shared',
  async (backend) => {
    const first = planBridgeEndpoint(bridgeEndpoint(bridgeNetwork(0), 2, backend, PORTS));
    const shared = first.filter(({ undo }) => undo.kind === 'shared');
    await runSteps(host, shared);
    const before = await host.snapshot();
    await runSteps(host, first);
    const during = await host.snapshot();
    expect(during.netns).toHaveLength(1);
    expect(during.links).toHaveLength(before.links.length + 1);
    await runSteps(host, shared);
    expect(await host.snapshot()).toEqual(during);
    await undoSteps(host, first);
    await host.waitFor(
      async () => (await host.snapshot()).links.length === before.links.length,
      'the cable to go with its namespace',
    );
    expect(await host.snapshot()).toEqual(before);
  },
);

test.each<FirewallBackend>(['nftables', 'iptables'])(
  'with %s: steps folded into few programs leave the same as one at a time',
  async (backend) => {
    const endpoint = bridgeEndpoint(bridgeNetwork(0), 2, backend, PORTS);
    const look = async (at: TestHost): Promise<unknown> => {
      const { nft, iptables, links, addresses, routes, netns } = await at.snapshot();
      const inside = await at.inNetns(endpoint.netns, ['bash', '-c', 'ip -4 address; ip route; ip -br link']);
      const ports = (await at.run(['bridge', '-d', 'link'])).stdout.replace(/^\d+:/gm, '');
      return { nft, iptables, links, addresses, routes, netns, inside: inside.stdout, ports };
    };
    const other = await createHost();
    try {
      await runSteps(host, planBridgeEndpoint(endpoint));
      const groups = foldSteps(planBridgeEndpoint(endpoint));
      expect(groups.length).toBeLessThan(planBridgeEndpoint(endpoint).length);
      await runSteps(
        other,
        groups.map(({ steps, batch }): HostStep => {
          const step = steps[0] as HostStep;
          return batch === undefined
            ? step
            : { ...step, command: { kind: 'run', argv: batch.argv, input: batch.input } };
        }),
      );
      expect(await look(other)).toEqual(await look(host));
    } finally {
      await other.dispose();
    }
  },
);
