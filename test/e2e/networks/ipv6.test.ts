/**
 * Networks with IPv6: what `network create` takes and refuses, the addresses a container gets and is known by, and who
 * reaches whom. The firewall itself: test/kernel/firewall6.test.ts and forged6.test.ts.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { HOST_ADDRESS6, INTERNET_ADDRESS6, prepareIpv6 } from '../../support/host/ipv6.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine({ iptables: true, prepare: prepareIpv6 });
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const refused = async (status: number, ...args: readonly string[]): Promise<string> => {
  const { exitCode, stderr } = await minidock(...args);
  expect([args, exitCode]).toEqual([args, status]);
  return stderr.replace(/^minidock: /, '').trim();
};
const settings = async (name: string, network: string): Promise<string> => {
  const of = `(index .NetworkSettings.Networks "${network}")`;
  return ok(
    'inspect',
    '-f',
    `{{${of}.IPAddress}} {{${of}.GlobalIPv6Address}}/{{${of}.GlobalIPv6PrefixLen}} {{${of}.IPv6Gateway}}`,
    name,
  );
};
const ping = (address: string): string =>
  `ping -6 -c 1 -W 1 ${address} >/dev/null && echo answered || echo none`;

describe('network create', () => {
  test('takes a subnet of each family, and shows them', async () => {
    const flags = ['--subnet', '10.60.0.0/24', '--subnet', 'FD00:60::/64', '--gateway', 'fd00:60:0::9'];
    const more = ['--ip-range', 'fd00:60::100/120', '--aux-address', 'printer=fd00:60::101'];
    await ok('network', 'create', '--ipv6', ...flags, ...more, 'both');
    const shown = await ok('network', 'inspect', '-f', '{{.EnableIPv6}} {{json .IPAM.Config}}', 'both');
    expect(shown).toBe(
      'true [{"Subnet":"10.60.0.0/24","Gateway":"10.60.0.1"},' +
        '{"Subnet":"fd00:60::/64","IPRange":"fd00:60::100/120","Gateway":"fd00:60::9",' +
        '"AuxiliaryAddresses":{"printer":"fd00:60::101"}}]',
    );
    expect(await ok('network', 'ls', '--format', '{{.Name}} {{.IPv6}}')).toMatch(
      /^both true\nbridge false\n/,
    );
    for (const address of ['fd00:60::100', 'fd00:60::102']) {
      const name = `on-${address.slice(-3)}`;
      await ok('run', '-d', '--name', name, '--network', 'both', 'test', 'sleep', '100');
      expect(await settings(name, 'both')).toMatch(new RegExp(` ${address}/64 fd00:60::9$`));
    }
    const inside = await ok(
      'network',
      'inspect',
      '-f',
      '{{range .Containers}}{{.IPv6Address}} {{end}}',
      'both',
    );
    expect(inside.split(' ').filter(Boolean).sort()).toEqual(['fd00:60::100/64', 'fd00:60::102/64']);
    await ok('rm', '-f', 'on-100', 'on-102');
    await ok('network', 'rm', 'both');
  });

  test('without a subnet takes a block of fd00::/8 of its own, another one for each network', async () => {
    await ok('network', 'create', '--ipv6', 'one');
    await ok('network', 'create', '--ipv6=true', 'two');
    const subnets = await ok('network', 'inspect', '-f', '{{(index .IPAM.Config 1).Subnet}}', 'one', 'two');
    const [one = '', two = ''] = subnets.split('\n');
    for (const subnet of [one, two]) expect(subnet).toMatch(/^fd[0-9a-f]{2}(:[0-9a-f]{1,4}){0,2}::\/64$/);
    expect(one).not.toBe(two);
    await ok('network', 'rm', 'one', 'two');
  });

  test.each([
    [
      ['--ipv6', '--subnet', 'fd00:1::1/64'],
      'invalid network config:\ninvalid subnet fd00:1::1/64: it should be fd00:1::/64',
    ],
    [['--ipv6', '--subnet', 'fd00:1::/x'], 'invalid CIDR block notation'],
    [['--ipv6', '--subnet', 'fd00:1::/127'], 'a bridge network has a prefix length from 8 to 126'],
    [['--ipv6', '--subnet', 'fe80::/64'], 'it overlaps fe80::/10, which is link-local'],
    [['--ipv6', '--subnet', 'ff02::/64'], 'it overlaps ff00::/8, which is multicast'],
    [['--ipv6', '--subnet', '::ffff:0:0/96'], 'it overlaps ::/8'],
    [['--ipv6', '--subnet', '2001:db8:1::/64'], `${HOST_ADDRESS6} is the address of eth0 on this host`],
    [
      ['--ipv6', '--subnet', 'fd00:5::/64', '--subnet', 'fd00:6::/64'],
      "bridge driver doesn't support multiple subnets",
    ],
    [
      ['--ipv6', '--subnet', 'fd00:1::/64', '--ip-range', 'fd00:2::/80'],
      'no matching subnet for range fd00:2::/80',
    ],
    [
      ['--ipv6', '--subnet', 'fd00:1::/64', '--gateway', 'fd00:2::1'],
      'no matching subnet for gateway fd00:2::1',
    ],
    [
      ['--ipv6', '--subnet', 'fd00:1::/64', '--gateway', 'fd00:1::'],
      'no matching subnet for gateway fd00:1::',
    ],
    [
      ['--ipv6', '--subnet', 'fd00:1::/64', '--aux-address', 'x=fd00:2::1'],
      'no matching subnet for aux-address fd00:2::1',
    ],
    [['--ipv6', '--gateway', 'fd00:1::1'], 'every ip-range or gateway must have a corresponding subnet'],
    [['--subnet', 'fd00:1::/64'], 'fd00:1::/64 is for IPv6, which this network does not have: give --ipv6'],
    [['--ipv4=false'], 'IPv4 or IPv6 must be enabled'],
    [
      ['--ipv4=false', '--ipv6', '--subnet', '10.0.0.0/24'],
      '10.0.0.0/24 is for IPv4, which this network does not have: give --ipv4',
    ],
    [['--ipv6', '-o', 'com.docker.network.bridge.gateway_mode_ipv6=open'], 'unknown gateway mode open'],
  ])('%j is refused', async (flags, words) => {
    expect(await refused(1, 'network', 'create', ...flags, 'wrong')).toContain(words);
    expect(await ok('network', 'ls', '-q', '--filter', 'name=wrong')).toBe('');
  });

  test('is refused in one line where the kernel has no IPv6, and all else works', async () => {
    await ok('network', 'create', '--ipv6', 'earlier');
    const without = (...args: readonly string[]): Promise<RunResult> =>
      engine.host.run([
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t tmpfs none /proc/sys/net/ipv6 && exec "$@"',
        'sh',
        binary,
        ...args,
      ]);
    const { stderr, exitCode } = await without('network', 'create', '--ipv6', 'wrong');
    expect([exitCode, stderr]).toEqual([
      1,
      'minidock: this host has no IPv6: its kernel was built or booted without (ipv6.disable=1)\n',
    ]);
    expect((await without('run', '--rm', 'test', 'true')).exitCode).toBe(0);
    const later = await without('run', '--rm', '--network', 'earlier', 'test', 'true');
    expect([later.exitCode, later.stderr.split('\n')[0]]).toEqual([
      125,
      'minidock: the network earlier has IPv6, and this host has none: its kernel was built or booted without',
    ]);
    await ok('network', 'rm', 'earlier');
  });

  test('that fails at a step of IPv6 leaves nothing', async () => {
    const nft =
      'input=$(cat); case $input in *"ip6 minidock bridges"*) exit 1; esac; echo "$input" | /usr/sbin/nft "$@"';
    await sh(
      `mkdir /run/broken; echo '#!/bin/sh' >/run/broken/nft; echo '${nft}' >>/run/broken/nft; chmod +x /run/broken/nft`,
    );
    const { exitCode, stderr } = await engine.host.run([
      ...['bash', '-c', 'PATH=/run/broken:$PATH "$@"', 'bash'],
      ...[binary, 'network', 'create', '--ipv6', 'half'],
    ]);
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining('step firewall.isolate6 ')]);
    await sh('rm -r /run/broken');
    await engine.expectClean();
  });
});

describe.each(['nftables', 'iptables'])('containers, with %s', (firewall) => {
  const by = ['--firewall', firewall];

  beforeAll(async () => {
    await ok('network', 'create', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
    await ok('network', 'create', '--ipv6', '--subnet', 'fd00:b::/64', 'bb');
    await ok('network', 'create', '--ipv6', '--subnet', 'fd00:c::/64', '--internal', 'cc');
    await ok(
      'network',
      'create',
      '--ipv6',
      '--subnet',
      'fd00:d::/64',
      '-o',
      'com.docker.network.bridge.enable_icc=false',
      'dd',
    );
  });
  afterAll(async () => {
    await ok('network', 'rm', 'aa', 'bb', 'cc', 'dd');
    await engine.expectClean();
  });

  test('get the lowest address or the one they ask for, and nobody else gets it', async () => {
    await ok('run', '-d', '--name', 'one', '--network', 'aa', ...by, 'test', 'sleep', '100');
    await ok(
      'run',
      '-d',
      '--name',
      'two',
      '--network',
      'aa',
      '--ip6',
      'FD00:A::0077',
      ...by,
      'test',
      'sleep',
      '100',
    );
    await ok(
      'run',
      '-d',
      '--name',
      'three',
      '--network',
      'name=aa,ip6=fd00:a::78',
      ...by,
      'test',
      'sleep',
      '100',
    );
    expect(await settings('one', 'aa')).toMatch(/ fd00:a::2\/64 fd00:a::1$/);
    expect(await settings('two', 'aa')).toMatch(/ fd00:a::77\/64 fd00:a::1$/);
    expect(await settings('three', 'aa')).toMatch(/ fd00:a::78\/64 fd00:a::1$/);
    const config = await ok('inspect', '-f', '{{json .NetworkSettings.Networks.aa.IPAMConfig}}', 'two');
    expect(config).toBe('{"IPv6Address":"fd00:a::77"}');
    expect(await ok('exec', 'one', 'ip', '-6', '-o', 'address', 'show', 'eth0')).toMatch(
      /inet6 fd00:a::2\/64 scope global/,
    );
    expect(await ok('exec', 'two', 'cat', '/etc/hosts')).toMatch(/^fd00:a::77\t[0-9a-f]{12}$/m);
    expect(await ok('exec', 'one', 'sh', '-c', ping('fd00:a::77'))).toBe('answered');
    expect(await ok('exec', 'one', 'sh', '-c', ping('two'))).toBe('answered');
    expect(await sh(ping('fd00:a::2'))).toBe('answered');
    const run = ['run', '--rm', '--network', 'aa', ...by];
    expect(await refused(125, ...run, '--ip6', 'fd00:a::77', 'test', 'true')).toMatch(
      /^Address already in use/,
    );
    expect(await refused(125, ...run, '--ip6', 'fd00:a::1', 'test', 'true')).toMatch(
      /^Address already in use/,
    );
    expect(await refused(125, ...run, '--ip6', 'fd00:b::7', 'test', 'true')).toContain('fd00:b::7');
    expect(await refused(125, ...run, '--ip6', '10.0.0.1', 'test', 'true')).toBe(
      'invalid IPv6 address: 10.0.0.1',
    );
    expect(await refused(125, 'run', '--rm', '--ip6', 'fd00:a::9', 'test', 'true')).toContain(
      'no configured subnet or ip-range contain the IP address fd00:a::9',
    );
    await ok('restart', '-t', '0', 'two');
    expect(await settings('two', 'aa')).toMatch(/ fd00:a::77\/64 /);
  });

  test('reach the world, and neither another network nor a router of their own choice', async () => {
    await ok('run', '-d', '--name', 'far', '--network', 'bb', ...by, 'test', 'sleep', '100');
    const inside = (script: string, network = 'aa'): Promise<string> =>
      engine.inside(script, '--network', network, ...by);
    expect(await inside(ping(INTERNET_ADDRESS6))).toBe('answered');
    expect(await inside(ping('fd00:b::2'))).toBe('none');
    expect(await inside(ping(INTERNET_ADDRESS6), 'cc')).toBe('none');
    const conf = '/proc/sys/net/ipv6/conf/eth0';
    expect(await inside(`cat ${conf}/accept_ra ${conf}/accept_redirects ${conf}/disable_ipv6`)).toBe(
      '0\n0\n0',
    );
  });

  test('of a network without icc do not reach each other, also by link-local addresses', async () => {
    await ok('run', '-d', '--name', 'shy', '--network', 'dd', ...by, 'test', 'sleep', '100');
    const local = "ip -6 address show dev eth0 scope link | sed -n 's|.*inet6 \\(fe80[^/]*\\)/.*|\\1|p'";
    const address = await engine.host.waitFor(
      async () => (await ok('exec', 'shy', 'sh', '-c', local)) || undefined,
      'a link-local address',
    );
    const script = `${ping('fd00:d::2')}; ${ping(`${address}%eth0`)}; ${ping(INTERNET_ADDRESS6)}`;
    expect(await engine.inside(script, '--network', 'dd', ...by)).toBe('none\nnone\nanswered');
  });
});

test('a network that has IPv4 alone keeps IPv6 off, also beside one that has it', async () => {
  await ok('network', 'create', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
  await ok('network', 'create', 'plain');
  const look =
    'for i in eth0 eth1; do cat /proc/sys/net/ipv6/conf/$i/disable_ipv6; done; ip -6 route show default';
  const told = await engine.inside(look, '--network', 'name=plain,gw-priority=1', '--network', 'aa');
  expect(told.trim()).toBe('1\n0\ndefault via fd00:a::1 dev eth1  metric 1024');
  await ok('network', 'rm', 'aa', 'plain');
});

test('--dry-run, --explain and network rm tell the steps of IPv6', async () => {
  const steps = await ok('network', 'create', '--dry-run', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
  for (const word of [
    'accept_ra',
    'ip address add fd00:a::1/64',
    'conf/all/forwarding',
    'table ip6 minidock',
  ])
    expect(steps).toContain(word);
  await ok('network', 'create', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
  const flags = ['--network', 'aa', 'test', 'true'];
  const explained = (await succeed(minidock('run', '--rm', '--explain', ...flags))).stderr;
  for (const told of [await ok('run', '--dry-run', ...flags), explained])
    expect(told.replace(/\s+/g, ' ')).toMatch(/address add fd00:a::2\/64 dev eth0 nodad/);
  await ok('network', 'rm', 'aa');
  await engine.expectClean();
});

test('no container has the hardware address of the bridge, whatever the gateway is', async () => {
  const gateway = 'fd00:a::7:0:0:1';
  await ok(
    'network',
    'create',
    '--no-ipv4',
    '--ipv6',
    '--subnet',
    'fd00:a::/64',
    '--gateway',
    gateway,
    'six',
  );
  expect(await ok('run', '--rm', '--network', 'six', 'test', 'sh', '-c', ping(gateway))).toBe('answered');
  await ok('network', 'rm', 'six');
});
