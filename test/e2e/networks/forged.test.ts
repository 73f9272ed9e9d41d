/**
 * What containers with CAP_NET_RAW do to one another, and what an older minidock has left on a host where they run.
 * The frames themselves, and what they do to the host: test/kernel/forged.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { useEngine } from '../../support/engine.ts';
import { listen, macOf, sendFrames, type Listener } from '../../support/host/forger.ts';
import {
  ALL_NODES,
  echoReply,
  frame,
  ipv4,
  ipv6,
  redirect,
  routerAdvertisement,
  udp,
  type Payload,
} from '../../support/host/frames.ts';
import { INTERNET_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ iptables: true });
const PORT = 7777;
const PREFIX = '2001:db8:bad::';

interface Running {
  readonly where: { readonly netns: string };
  readonly address: string;
  readonly mac: string;
}

async function start(name: string, ...flags: readonly string[]): Promise<Running> {
  const id = await engine.ok('run', '-d', '--name', name, ...flags, 'test', 'sleep', '100');
  const [address = '', mac = ''] = (
    await engine.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}} {{.NetworkSettings.MacAddress}}', name)
  ).split(' ');
  return { where: { netns: `md-${id.slice(0, 12)}` }, address, mac };
}

const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-ec', script]))).stdout;
const inNetns = async ({ where }: Running, script: string): Promise<string> =>
  (await succeed(engine.host.inNetns(where.netns, ['bash', '-ec', script]))).stdout;

describe('a neighbour', () => {
  /** Sends the packet to the victim, and returns once the victim's kernel has had it. */
  async function send(
    forger: Running,
    victim: Running,
    packet: Buffer,
    type: 'ipv4' | 'ipv6',
  ): Promise<void> {
    const listener = await listen(engine.host, victim.where, PORT);
    const mac = { source: forger.mac, destination: victim.mac };
    const honest = ipv4({ source: forger.address, destination: victim.address }, udp(4000, PORT, 'honest'));
    const frames = [frame(mac, type, packet), frame(mac, 'ipv4', honest)].map((bytes) =>
      bytes.toString('hex'),
    );
    await sendFrames(engine.host, forger.where, 'eth0', frames);
    await listener.heard('honest');
    await listener.close();
  }

  test.each([
    ['has no IPv6', []],
    ['has turned IPv6 on', ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0']],
  ])('that says it is a router is not believed by a container that %s', async (_, flags) => {
    const [forger, victim] = [await start('forger'), await start('victim', ...flags)];
    const advertisement = ipv6(
      { source: 'fe80::bad', destination: ALL_NODES.address },
      routerAdvertisement(PREFIX),
    );
    await send(forger, victim, advertisement, 'ipv6');
    const told = await inNetns(victim, 'ip -6 address; ip -6 route show table all');
    expect(told.split('\n').filter((line) => /bad|proto ra/.test(line))).toEqual([]);
  });

  test('that speaks as the gateway changes nobody’s way to the world', async () => {
    const [forger, victim] = [await start('forger'), await start('victim')];
    const gateway = (await inNetns(victim, 'ip route show default')).split(' ')[2] ?? '';
    // A kernel follows a redirect only to a neighbour whose hardware address it knows.
    await inNetns(victim, `busybox ping -c 1 -W 2 ${forger.address}`);
    const sent = ipv4({ source: victim.address, destination: INTERNET_ADDRESS }, echoReply());
    const message: Payload = redirect(forger.address, sent);
    await send(forger, victim, ipv4({ source: gateway, destination: victim.address }, message), 'ipv4');
    const route = await inNetns(victim, `ip route get ${INTERNET_ADDRESS}`);
    expect(route).toContain(`via ${gateway} `);
  });
});

/** What the rules were before they dropped a source of 127.0.0.0/8, and the bridge before IPv6 was kept off it. */
const OLD_RULES: Readonly<Record<FirewallBackend, string>> = {
  nftables: `nft flush chain ip minidock localnet
    nft add rule ip minidock localnet 'iifname != "lo" ip daddr 127.0.0.0/8 drop'
    nft delete set ip minidock version`,
  iptables: `iptables -t raw -F; iptables -t raw -X; iptables -t raw -N MINIDOCK
    iptables -t raw -A MINIDOCK ! -i lo -d 127.0.0.0/8 -j DROP
    iptables -t raw -A PREROUTING -j MINIDOCK`,
};
const IPV6 = '/proc/sys/net/ipv6/conf';

describe.each<FirewallBackend>(['nftables', 'iptables'])(
  'on a host that an older minidock has set up, with %s',
  (firewall) => {
    let onHost: Listener;
    beforeAll(async () => {
      await sh('echo 0 | tee /proc/sys/net/ipv4/conf/*/rp_filter');
      // The rules of the other backend would do the work of the missing ones.
      await sh(
        firewall === 'nftables'
          ? 'iptables-save -t raw >/run/raw; iptables -t raw -F'
          : 'nft flush chain ip minidock localnet; nft flush set ip minidock version',
      );
      onHost = await listen(engine.host, 'host', PORT);
    });
    afterAll(async () => {
      await onHost.close();
      if (firewall === 'nftables') await sh('iptables-restore -T raw </run/raw');
      else await engine.ok('run', '--rm', 'test', 'true');
    });

    const rules = async (): Promise<readonly string[]> => {
      const { nft, iptables } = await engine.host.snapshot();
      return firewall === 'nftables' ? nft.filter((line) => !line.includes('xt')) : iptables;
    };

    /** Whether a datagram in the name of 127.0.0.2 gets to a service of the host. */
    async function isForged(from: Running, label: string): Promise<boolean> {
      const bridge = await macOf(engine.host, 'host', 'minidock0');
      const packets = ['127.0.0.2', from.address].map((source) =>
        frame(
          { source: from.mac, destination: bridge },
          'ipv4',
          ipv4({ source, destination: '192.0.2.2' }, udp(4000, PORT, label)),
        ).toString('hex'),
      );
      // Again and again: while a bridge is set anew, a frame may be lost.
      await engine.host.waitFor(async () => {
        await sendFrames(engine.host, from.where, 'eth0', packets);
        return onHost.all().includes(`${label} from ${from.address}`);
      }, label);
      return onHost.all().includes(`${label} from 127.0.0.2`);
    }

    async function makeOld({ where }: Running): Promise<void> {
      const veth = (await sh('ls /proc/sys/net/ipv4/conf'))
        .split('\n')
        .filter((name) => name.startsWith('mdv'));
      expect([where.netns, veth.length]).toEqual([where.netns, 1]);
      await sh(OLD_RULES[firewall]);
      for (const name of ['minidock0', ...veth]) {
        await sh(`echo 0 >${IPV6}/${name}/disable_ipv6; echo 1 >${IPV6}/${name}/accept_ra`);
      }
    }
    const settings = (): Promise<string> =>
      sh(`cd ${IPV6}; grep . minidock0/{disable_ipv6,accept_ra} mdv*/{disable_ipv6,accept_ra}`);

    test('the next start brings the rules up to date, and the bridge', async () => {
      const forger = await start('forger', '--firewall', firewall);
      const before = await rules();
      await makeOld(forger);
      expect(await isForged(forger, 'old')).toBe(true);
      await engine.ok('run', '--rm', '--firewall', firewall, 'test', 'true');
      expect(await isForged(forger, 'new')).toBe(false);
      expect(await rules()).toEqual(expect.arrayContaining([...before]));
      expect(await settings()).toContain('minidock0/disable_ipv6:1\nminidock0/accept_ra:0\n');
      await tidy();
    });

    test('doctor says so, and mends what containers run with', async () => {
      const forger = await start('forger', '--firewall', firewall);
      const [before, set] = [await rules(), await settings()];
      await makeOld(forger);
      expect(await isForged(forger, 'ill')).toBe(true);
      const told = await engine.minidock('doctor');
      expect(told.stdout).toContain('forger lacks what its start had set up');
      await engine.minidock('doctor', '--fix');
      expect(await isForged(forger, 'well')).toBe(false);
      expect(await rules()).toEqual(expect.arrayContaining([...before]));
      expect(await settings()).toBe(set);
      await tidy();
    });

    /** As the other tests found it: the old chain of iptables stays until the host is booted. */
    async function tidy(): Promise<void> {
      if (firewall === 'nftables') return;
      await sh(
        'iptables -t raw -D PREROUTING -j MINIDOCK; iptables -t raw -F MINIDOCK; iptables -t raw -X MINIDOCK',
      );
    }
  },
);
