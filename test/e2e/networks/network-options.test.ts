/** The options of `network create`, held against real packets with both firewalls; `ls` and `prune`. */
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok } = engine;

const BRIDGE = 'com.docker.network.bridge';
const SERVER = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];
const page = 'hello from the image';
const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const outside = async (script: string): Promise<string> =>
  (await engine.host.outside(['bash', '-c', script])).stdout.trim();
const rules = (): Promise<string> => sh('nft -s list ruleset; iptables-save | grep -v "^[#:]"');
const serving = (address: string): Promise<string> =>
  engine.host.waitFor(async () => sh(`curl -s -m 1 http://${address}/ || :`), 'the server');
const refused = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stderr } = await minidock('network', 'create', ...args, 'wrong');
  expect([args, exitCode]).toEqual([args, 1]);
  return stderr.split('\n')[0]?.replace('minidock: ', '') ?? '';
};

describe.each(['nftables', 'iptables'])('with %s', (firewall) => {
  const by = ['--firewall', firewall];
  const wget = (address: string): string => `wget -q -T 1 -O - http://${address}/ || echo none`;

  test('enable_icc=false: neighbours are reached neither as such nor by the gateway; the world is, and reaches published ports', async () => {
    const before = await rules();
    await ok('network', 'create', '--subnet', '10.30.0.0/24', '-o', `${BRIDGE}.enable_icc=false`, 'apart');
    const flags = ['--network', 'apart', ...by];
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', ...flags, ...SERVER);
    expect(await serving('10.30.0.2')).toBe(page);
    expect(await engine.inside(wget('10.30.0.2'), ...flags)).toBe('none');
    const byGateway = `ip route add 10.30.0.2 via 10.30.0.1; ${wget('10.30.0.2')}`;
    expect(await engine.inside(byGateway, '--cap-add', 'NET_ADMIN', ...flags)).toBe('none');
    expect(await outside(`curl -s -m 2 http://${HOST_ADDRESS}:8080/`)).toBe(page);
    await engine.inside(`ping -c1 -W1 ${INTERNET_ADDRESS}`, ...flags);
    await ok('rm', '-f', 'web');
    await ok('network', 'rm', 'apart');
    expect(await rules()).toBe(before);
  }, 120_000);

  test('enable_ip_masquerade=false: packets leave with the address of the container, and it is as closed as ever', async () => {
    const before = await rules();
    const flags = ['--network', 'plain', ...by];
    await ok(
      'network',
      'create',
      '--subnet',
      '10.31.0.0/24',
      '-o',
      `${BRIDGE}.enable_ip_masquerade=0`,
      'plain',
    );
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', ...flags, ...SERVER);
    await serving('10.31.0.2');
    const ping = `ping -c1 -W1 ${INTERNET_ADDRESS} >/dev/null && echo answered || echo none`;
    expect(await engine.inside(ping, ...flags)).toBe('none');
    await outside(`ip route add 10.31.0.0/24 via ${HOST_ADDRESS}`);
    expect(await engine.inside(ping, ...flags)).toBe('answered');
    expect(await outside('curl -s -m 1 http://10.31.0.2/ || echo none')).toBe('none');
    expect(await outside(`curl -s -m 2 http://${HOST_ADDRESS}:8080/`)).toBe(page);
    await outside('ip route del 10.31.0.0/24');
    await ok('rm', '-f', 'web');
    await ok('network', 'rm', 'plain');
    expect(await rules()).toBe(before);
  }, 120_000);

  test('host_binding_ipv4: where ports are published, also when the way out becomes this network', async () => {
    await ok(
      'network',
      'create',
      '--subnet',
      '10.32.0.0/24',
      '-o',
      `${BRIDGE}.host_binding_ipv4=127.0.0.1`,
      'near',
    );
    await ok('network', 'create', '--subnet', '10.33.0.0/24', 'wide');
    const ports = ['-p', '8080:80', '-p', '0.0.0.0:8081:80', '-p', `${HOST_ADDRESS}:8082:80`];
    await ok('run', '-d', '--name', 'web', '--network', 'wide', ...ports, ...by, ...SERVER);
    await serving('10.33.0.2');
    const seen = (): Promise<string> =>
      outside(
        `for port in 8080 8081 8082; do curl -s -m 1 http://${HOST_ADDRESS}:$port/ >/dev/null && echo $port; done`,
      );
    expect(await seen()).toBe('8080\n8081\n8082');
    await ok('network', 'connect', 'near', 'web');
    expect(await seen()).toBe('8081\n8082');
    expect(await sh('curl -s http://127.0.0.1:8080/')).toBe(page);
    expect(await ok('port', 'web', '80')).toContain('127.0.0.1:8080');
    await ok('network', 'disconnect', 'near', 'web');
    expect(await seen()).toBe('8080\n8081\n8082');
    await ok('rm', '-f', 'web');
    await ok('network', 'rm', 'near', 'wide');
  }, 120_000);

  test('bridge.name, mtu, --ip-range, --aux-address', async () => {
    const before = await rules();
    const addresses = ['--subnet', '10.34.0.0/16', '--ip-range', '10.34.5.0/30', '--gateway', '10.34.0.1'];
    const options = ['-o', `${BRIDGE}.name=brtest`, '-o', 'com.docker.network.driver.mtu=1400'];
    await ok('network', 'create', ...addresses, '--aux-address', 'router=10.34.5.1', ...options, 'mine');
    expect(await sh('cat /sys/class/net/brtest/mtu')).toBe('1400');
    const seen = 'cat /sys/class/net/eth0/mtu; hostname -i';
    const flags = ['--network', 'mine', ...by];
    expect(await engine.inside(seen, ...flags)).toBe('1400\n10.34.5.0');
    for (const name of ['one', 'two', 'three'])
      await ok('run', '-d', '--name', name, ...flags, 'test', 'sleep', '99');
    const all = '{{range .Containers}}{{.IPv4Address}} {{end}}';
    expect((await ok('network', 'inspect', '-f', all, 'mine')).trim().split(' ').toSorted()).toEqual([
      '10.34.5.0/16',
      '10.34.5.2/16',
      '10.34.5.3/16',
    ]);
    const full = await minidock('run', '--rm', ...flags, 'test', 'true');
    expect([full.exitCode, full.stderr]).toEqual([
      125,
      expect.stringContaining('no available IPv4 addresses'),
    ]);
    expect(await engine.inside('hostname -i', '--ip', '10.34.9.9', ...flags)).toBe('10.34.9.9');
    await ok('rm', '-f', 'one', 'two', 'three');
    await ok('network', 'rm', 'mine');
    expect(await sh('ip -o link')).not.toContain('brtest');
    expect(await rules()).toBe(before);
  }, 120_000);
});

test.each([
  [['-d', 'host'], 'only one instance of "host" network is allowed'],
  [['-d', 'nope'], 'plugin "nope" not found'],
  [['--ip-range', '10.1.0.0/24'], 'every ip-range or gateway must have a corresponding subnet'],
  [['--aux-address', 'a=10.1.0.1'], 'no matching subnet for aux-address 10.1.0.1'],
  [['--subnet', '10.1.0.0/16', '--ip-range', '10.2.0.0/24'], 'no matching subnet for range 10.2.0.0/24'],
  [['--subnet', '10.1.0.0/16', '--aux-address', 'a=10.2.0.1'], 'no matching subnet for aux-address 10.2.0.1'],
  [['--subnet', '10.1.0.0/16', '--subnet', '10.2.0.0/16'], "bridge driver doesn't support multiple subnets"],
  [
    ['--subnet', '10.1.0.0/16', '--gateway', '10.1.0.1', '--aux-address', 'a=10.1.0.1'],
    'failed to allocate secondary ip address (a:10.1.0.1): Address already in use',
  ],
  [['-o', `${BRIDGE}.name=eth0`], 'existing interface eth0 is not a bridge'],
  [['-o', `${BRIDGE}.name=all`], 'existing interface all is not a bridge'],
  [['-o', `${BRIDGE}.name=a/b`], 'invalid name for a bridge: "a/b"'],
  [['-o', `${BRIDGE}.name=mdvx`], 'invalid name for a bridge: "mdvx"'],
  [['-o', `${BRIDGE}.inhibit_ipv4=1`], `the option ${BRIDGE}.inhibit_ipv4 is not supported`],
  [
    ['-o', `${BRIDGE}.enable_icc=maybe`],
    `failed to parse ${BRIDGE}.enable_icc value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)`,
  ],
  [['-o', `${BRIDGE}.host_binding_ipv4=x`], `failed to parse ${BRIDGE}.host_binding_ipv4 value: x (nil ip)`],
  [['-o', 'com.docker.network.driver.mtu=-1'], 'invalid MTU number: -1'],
  [['--scope', 'swarm'], '--scope swarm: minidock knows one host, and no swarm'],
])('network create %j is refused', async (args, words) => {
  expect(await refused(...args)).toBe(words);
});

test('ls and prune: filters, formats, and a question first', async () => {
  await ok('network', 'create', '--label', 'a=b', '--label', 'c', 'y10');
  await ok('network', 'create', 'y9');
  await ok('run', '-d', '--name', 'user', '--network', 'y9', 'test', 'sleep', '100');
  const named = (...args: readonly string[]): Promise<string> =>
    ok('network', 'ls', '--format', '{{.Name}}', ...args.flatMap((filter) => ['--filter', filter]));
  expect(await named()).toBe('bridge\nhost\nnone\ny9\ny10');
  expect(await named('type=builtin')).toBe('bridge\nhost\nnone');
  expect(await named('driver=bridge', 'type=custom')).toBe('y9\ny10');
  expect([await named('label=a'), await named('label=a=x'), await named('name=^y9$')]).toEqual([
    'y10',
    '',
    'y9',
  ]);
  expect([await named('dangling=true'), await named('scope=swarm')]).toEqual(['y10', '']);
  expect(await ok('network', 'ls', '-q', '--no-trunc', '--filter', 'name=y10')).toMatch(/^[0-9a-f]{64}$/);
  const row = '{{.Name}}|{{.Labels}}|{{.Label "a"}}|{{.Internal}}';
  expect(await ok('network', 'ls', '--filter', 'label=c', '--format', row)).toBe('y10|a=b,c=|b|false');
  for (const [filter, words] of [
    ['type=x', "invalid filter: 'type'='x'"],
    ['dangling=x', `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`],
    ['foo=x', "invalid filter 'foo'"],
  ] as const) {
    const { exitCode, stderr } = await minidock('network', 'ls', '--filter', filter);
    expect([exitCode, stderr.split('\n')[0]]).toEqual([1, `minidock: ${words}`]);
  }
  const binary = `${import.meta.dirname}/../../../dist/minidock`;
  const answered = (answer: string, ...flags: readonly string[]): Promise<string> =>
    sh(`printf '%s' '${answer}' | ${binary} network prune ${flags.join(' ')}`);
  const question =
    'WARNING! This will remove all custom networks not used by at least one container.\n' +
    'Are you sure you want to continue? [y/N] ';
  expect(await answered('n\n')).toBe(question.trim());
  expect(await answered('')).toBe(question.trim());
  expect(await ok('network', 'prune', '-f', '--filter', 'until=24h')).toBe('');
  expect(await ok('network', 'prune', '-f', '--filter', 'label!=a')).toBe('');
  expect(await answered('y\n', '--filter', 'label=a')).toBe(`${question}Deleted Networks:\ny10`);
  expect(await ok('network', 'prune', '-f')).toBe('');
  expect(await named('type=custom')).toBe('y9');
  await ok('rm', '-f', 'user');
  expect(await ok('network', 'prune', '-f')).toBe('Deleted Networks:\ny9\n');
}, 120_000);
