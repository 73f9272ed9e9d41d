/** Names on networks with IPv6: AAAA and PTR of containers, and name servers that have IPv6 addresses. */
import { beforeAll, expect, test } from '@jest/globals';
import { driver } from '../../support/bun.ts';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { INTERNET_ADDRESS6, prepareIpv6 } from '../../support/host/ipv6.ts';

const engine = useEngine({ iptables: true, keep: true, prepare: prepareIpv6 });
const { ok } = engine;
const SLEEP = ['test', 'sleep', '1000'];

interface Asked {
  readonly name: string;
  readonly type?: string;
  readonly tcp?: boolean;
}

async function ask(container: string, ...queries: readonly Asked[]): Promise<readonly unknown[]> {
  const netns = `md-${(await ok('inspect', '-f', '{{.Id}}', container)).slice(0, 12)}`;
  const words = driver('dns-driver.ts', 'ask', '127.0.0.11', JSON.stringify(queries));
  const { stdout } = await succeed(engine.host.inNetns(netns, words));
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}
const found = (...data: readonly string[]): object => ({ rcode: 0, data });
const reversed = (digits: string): string => `${[...digits].reverse().join('.')}.ip6.arpa`;

beforeAll(async () => {
  await ok('network', 'create', '--ipv6', '--subnet', '10.61.0.0/24', '--subnet', 'fd00:a::/64', 'both');
  await ok('network', 'create', '--ipv6', '--ipv4=false', '--subnet', 'fd00:6::/64', 'six');
  await ok('network', 'create', 'four');
});

test('a container has an address of each family that its network has, and a name for each address', async () => {
  await ok('run', '-d', '--name', 'web', '--network', 'both', '--network-alias', 'site', ...SLEEP);
  await ok('run', '-d', '--name', 'asker', '--network', 'both', ...SLEEP);
  const pointer = reversed('fd00000a000000000000000000000002');
  expect(
    await ask(
      'asker',
      { name: 'web', type: 'AAAA' },
      { name: 'site', type: 'AAAA', tcp: true },
      { name: 'web', type: 'A' },
      { name: pointer, type: 'PTR' },
      { name: '2.0.61.10.in-addr.arpa', type: 'PTR' },
    ),
  ).toEqual([
    found('fd00:a::2'),
    found('fd00:a::2'),
    found('10.61.0.2'),
    found('web.both'),
    found('web.both'),
  ]);
  await ok('run', '-d', '--name', 'lonely', '--network', 'six', ...SLEEP);
  await ok('run', '-d', '--name', 'friend', '--network', 'six', ...SLEEP);
  expect(await ask('friend', { name: 'lonely', type: 'A' }, { name: 'lonely', type: 'AAAA' })).toEqual([
    found(),
    found('fd00:6::2'),
  ]);
  expect((await ok('exec', 'friend', 'ping', '-6', '-c', '1', '-W', '1', 'lonely')).split('\n')[0]).toContain(
    'fd00:6::2',
  );
});

test('a name server with an IPv6 address is asked, also for a container that has IPv4 alone', async () => {
  const server = engine.host.spawn(driver('dns-driver.ts', 'serve', INTERNET_ADDRESS6, 'answer'), 'outside');
  await server.waitForOutput(/ready/);
  for (const network of ['both', 'four', 'six']) {
    const name = `asks-${network}`;
    await ok('run', '-d', '--name', name, '--network', network, '--dns', INTERNET_ADDRESS6, ...SLEEP);
    const queries = [{ name: `${network}.example` }, { name: `${network}.example`, tcp: true }];
    expect([network, ...(await ask(name, ...queries))]).toEqual([
      network,
      found('192.0.2.99'),
      found('192.0.2.99'),
    ]);
  }
  server.kill();
  await server.exited;
});

test('names are gone with the container, and nothing is left', async () => {
  await ok('rm', '-f', 'web');
  expect(await ask('asker', { name: 'site', type: 'AAAA' })).not.toEqual([found('fd00:a::2')]);
  await ok('rm', '-f', ...(await ok('ps', '-aq')).split('\n').filter(Boolean));
  await ok('network', 'rm', 'both', 'six', 'four');
  await engine.expectClean();
});
