/** What minidock does on a host where somebody else's firewall drops forwarded packets. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findForeign, parseChains } from '../../runtime/network/firewall/foreign.ts';
import type { ForeignFirewall } from '../../runtime/network/firewall/foreign.ts';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { warnOfForeign } from '../../src/engine/network/foreign-warnings.ts';
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
  fetchFrom,
  serve,
  wireContainer,
  type WiredContainer,
} from '../support/wired-container.ts';

let host: TestHost;

beforeEach(async () => {
  host = await createHost();
  await serve(host, 'outside', 'outside', 'tcp:80');
});
afterEach(() => host.dispose());

async function foreignHere(): Promise<readonly ForeignFirewall[]> {
  return findForeign(parseChains((await host.run(['nft', '-j', 'list', 'chains'])).stdout));
}

async function wireWeb(backend: FirewallBackend): Promise<WiredContainer> {
  const ports = [{ hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const }];
  const web = await wireContainer(
    host,
    bridgeEndpoint(bridgeNetwork(0), 2, backend, ports),
    await foreignHere(),
  );
  await serve(host, web.where, 'web', 'tcp:80');
  return web;
}

async function sh(script: string): Promise<string> {
  const { stdout, stderr } = await host.run(['bash', '-ec', script]);
  expect(stderr).toBe('');
  return stdout;
}

test('a host without a firewall has nothing foreign, also with containers on it', async () => {
  expect(await foreignHere()).toEqual([]);
  await wireWeb('nftables');
  expect(await foreignHere()).toEqual([]);
});

describe('iptables -P FORWARD DROP', () => {
  beforeEach(() => sh('iptables -P FORWARD DROP'));

  test('is overcome by the iptables back-end, in the same table, without touching the policy', async () => {
    const web = await wireWeb('iptables');
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8080`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
    expect(await fetchFrom(web.run, `${INTERNET_ADDRESS}:80`)).toBe(`outside saw ${HOST_ADDRESS}`);
    expect(await sh('iptables -S FORWARD')).toContain('-P FORWARD DROP');
    expect(warnOfForeign(await foreignHere(), 'iptables', bridgeNetwork(0))).toEqual([]);
  });

  test('is said plainly with the nftables back-end, which cannot overrule it', async () => {
    await wireWeb('nftables');
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8080`)).toBe('');
    expect(warnOfForeign(await foreignHere(), 'nftables', bridgeNetwork(0))).toEqual([
      expect.stringMatching(/chain FORWARD of table ip filter drops .* --firewall=iptables/),
    ]);
    expect(await sh('iptables -S FORWARD')).toContain('-P FORWARD DROP');
  });
});

describe.each<FirewallBackend>(['nftables', 'iptables'])("beside Docker's rules, %s", (backend) => {
  // What dockerd sets up for docker0, as far as forwarding is concerned, with a container of its own.
  const DOCKER = `
    ip link add docker0 type bridge; ip address add 172.18.0.1/16 dev docker0; ip link set docker0 up
    ip netns add dock; ip link add vdock type veth peer name eth0 netns dock
    ip link set vdock master docker0; ip link set vdock up
    ip -n dock address add 172.18.0.2/16 dev eth0; ip -n dock link set eth0 up; ip -n dock link set lo up
    ip -n dock route add default via 172.18.0.1
    iptables -P FORWARD DROP
    for chain in DOCKER DOCKER-USER; do iptables -N $chain; done
    iptables -A DOCKER-USER -j RETURN
    iptables -A FORWARD -j DOCKER-USER
    iptables -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    iptables -A FORWARD -o docker0 -j DOCKER
    iptables -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
    iptables -A FORWARD -i docker0 -o docker0 -j ACCEPT`;

  test('published ports and the way out work, and the two leave each other alone', async () => {
    await sh(DOCKER);
    await serve(host, { netns: 'dock' }, 'dock', 'tcp:80');
    expect(await foreignHere()).toEqual([{ kind: 'docker' }]);
    const web = await wireWeb(backend);
    expect(await fetchFrom(host.outside, `${HOST_ADDRESS}:8080`)).toBe(`web saw ${OUTSIDE_ADDRESS}`);
    expect(await fetchFrom(web.run, `${INTERNET_ADDRESS}:80`)).toBe(`outside saw ${HOST_ADDRESS}`);
    expect(await fetchFrom(web.run, '172.18.0.2:80')).toBe('');
    expect(await fetchFrom((argv) => host.inNetns('dock', argv), '172.17.0.2:80')).toBe('');
    await host.outside(['ip', 'route', 'add', '172.16.0.0/12', 'via', HOST_ADDRESS]);
    expect(await fetchFrom(host.outside, '172.17.0.2:80')).toBe('');
    expect(await sh('iptables -S FORWARD')).toContain('-P FORWARD DROP');
    expect(warnOfForeign(await foreignHere(), backend, bridgeNetwork(0))).toEqual([]);
    // A second container finds everything in its place.
    const before = (await host.snapshot()).iptables;
    await wireContainer(host, bridgeEndpoint(bridgeNetwork(0), 3, backend), await foreignHere());
    expect((await host.snapshot()).iptables).toEqual(before);
  });
});
