/** What containers find and leave in the host's firewall, also where somebody else has been at them. */
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';

const BOTH = ['--firewall', 'iptables', '--network', 'both', '-p', '8080:80'];

const engine = useEngine({
  // What both firewalls share stays behind.
  prepare: async ({ minidock }) => {
    await succeed(minidock('network', 'create', '--ipv6', 'both'));
    await succeed(minidock('run', '--rm', ...BOTH, 'test', 'true'));
    await succeed(minidock('network', 'rm', 'both'));
  },
});
const nft = async (...words: readonly string[]): Promise<string> =>
  (await succeed(engine.host.run(['nft', ...words]))).stdout;

test('rules that were flushed, by a restart of the host’s firewall say, are back with the next container', async () => {
  const before = await nft('-s', 'list', 'table', 'ip', 'minidock');
  await nft('flush', 'ruleset');
  await engine.ok('run', '--rm', 'test', 'true');
  expect(await nft('-s', 'list', 'table', 'ip', 'minidock')).toBe(before);
});

test.each([
  'iptables -F; iptables -t nat -F',
  'iptables -t nat -F',
  'iptables -t raw -F',
  'iptables -F',
  'iptables -t nat -F PREROUTING',
  'iptables -F; iptables -X; iptables -t nat -F; iptables -t nat -X',
  'ip6tables -F; ip6tables -t nat -F; ip6tables -t raw -F',
  'ip6tables -t nat -F',
])('rules of iptables that were flushed (%s) are back with the next container', async (flush) => {
  const { host, ok } = engine;
  const saved = async (): Promise<readonly string[]> => {
    const { stdout } = await succeed(host.run(['bash', '-c', 'iptables-save; ip6tables-save']));
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('-A'))
      .sort();
  };
  await ok('network', 'create', '--ipv6', 'both');
  const run = ['run', '--rm', ...BOTH, 'test', 'true'];
  await ok(...run);
  const before = await saved();
  await succeed(host.run(['bash', '-c', flush]));
  await ok(...run);
  expect(await saved()).toEqual(before);
  await ok('network', 'rm', 'both');
});

test('a port is withdrawn when the command returns, and can be published again at once', async () => {
  const published = ['-p', '8080:80', '-p', '127.0.0.1:8081:81', '-p', '8090-8095:90-95/udp'];
  for (let round = 0; round < 4; round++) {
    await engine.ok('run', '--rm', ...published, 'test', 'true');
    for (const map of ['published', 'published_at']) {
      expect(await nft('list', 'map', 'ip', 'minidock', map)).not.toContain('elements');
    }
  }
});

test('of three publications one that is gone already keeps none of the others', async () => {
  const published = ['-p', '8080:80', '-p', '8081:90', '-p', '8082:70'];
  await engine.ok('run', '-d', '--name', 'three', ...published, 'test', 'sleep', '100');
  await nft('delete', 'element', 'ip', 'minidock', 'published', '{ tcp . 8082 }');
  await engine.ok('rm', '-f', 'three');
  expect(await nft('list', 'map', 'ip', 'minidock', 'published')).not.toContain('elements');
});
