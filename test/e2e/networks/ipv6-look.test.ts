/** What looks at the host knows of IPv6: doctor, graph and `inspect --host`; `why` says that it does not. A kill, and scripts. */
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { createHost } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';
import { giveIpv6, HOST_ADDRESS6, prepareIpv6 } from '../../support/host/ipv6.ts';
import { killProcess } from '../../support/host/processes.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine({ iptables: true, keep: true, prepare: prepareIpv6 });
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');
const SERVER = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];
const page = 'hello from the image';
const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const problems = async (): Promise<readonly string[]> =>
  (await minidock('doctor')).stdout.split('\n').filter((line) => line.startsWith('  problem'));

test('doctor and graph find all in order, and inspect --host shows the addresses', async () => {
  await ok('network', 'create', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
  await ok('network', 'create', '--ipv6', '--ipv4=false', '--subnet', 'fd00:6::/64', 'six');
  const published = ['-p', '8080:80', '-p', '[::1]:8081:80', '-p', '[::]:5353:53/udp'];
  await ok('run', '-d', '--name', 'web', '--network', 'aa', ...published, ...SERVER);
  await ok(
    'run',
    '-d',
    '--name',
    'tables',
    '--network',
    'aa',
    '--firewall',
    'iptables',
    '-p',
    '8070:80',
    ...SERVER,
  );
  await ok('run', '-d', '--name', 'sixer', '--network', 'six', '-p', '8090:80', ...SERVER);
  expect(await problems()).toEqual([]);
  const graph = await ok('graph');
  expect(graph).not.toMatch(/should have|does not have|has no rule|is redirected to/);
  expect(graph).toContain('fd00:6::2/64');
  for (const arrow of ['8080 → [fd00:a::2]:80', '8070 → [fd00:a::3]:80', '8090 → [fd00:6::2]:80'])
    expect(graph).toContain(arrow);
  expect(await ok('inspect', '--host', 'web')).toContain('"fd00:a::2/64"');
});

test('doctor finds what is lost of IPv6, and puts it back', async () => {
  const bridge = await ok(
    'network',
    'inspect',
    '-f',
    '{{index .Options "com.docker.network.bridge.name"}}',
    'six',
  );
  await sh(`ip -6 address del fd00:6::1/64 dev ${bridge}; nft flush map ip6 minidock published
    echo 0 >/proc/sys/net/ipv6/conf/all/forwarding`);
  const found = (await problems()).join('\n');
  for (const words of [
    'forwarding of IPv6 is off',
    'give the bridge the IPv6 gateway address fd00:6::1',
    'publish 8080',
  ])
    expect(found).toContain(words);
  expect(await ok('graph')).toContain('web: published port [::]:8080/tcp has no rule in the firewall');
  await ok('doctor', '--fix');
  expect(await problems()).toEqual([]);
  expect(await sh(`curl -g -s -m 2 http://[${HOST_ADDRESS6}]:8080/`)).toBe(page);
});

test("a firewall of somebody else's that drops IPv6 is named by run and doctor, for networks with IPv6", async () => {
  await sh('ip6tables -P FORWARD DROP');
  try {
    const warned = /chain FORWARD of table ip6 filter drops forwarded packets of IPv6/;
    expect((await minidock('run', '--rm', '--network', 'aa', 'test', 'true')).stderr).toBe('');
    const create = ['network', 'create', '--ipv6', '--subnet'];
    expect((await minidock(...create, 'fd00:f::/64', 'new')).stderr).toMatch(warned);
    expect((await minidock('network', 'create', 'four')).stderr).toBe('');
    const found = (await minidock('doctor')).stdout;
    expect(found).toMatch(/problem .*chain FORWARD of table ip6 filter drops forwarded packets of IPv6/);
    expect(found).toContain('ip6tables -I FORWARD -i ');
    expect(found).toMatch(/\[::\]:8090\/tcp is 80 of sixer; others cannot reach it: chain FORWARD/);
    // Docker's is asked, from version 27 on.
    await sh('ip6tables -N DOCKER-USER; ip6tables -A FORWARD -j DOCKER-USER');
    expect((await minidock(...create, 'fd00:d::/64', 'dockers')).stderr).toBe('');
    expect(await sh('ip6tables -S')).toMatch(
      /-A DOCKER-USER -j MINIDOCK-(\S+)\n[^]*-A MINIDOCK-\1 -i \1 -j ACCEPT/,
    );
  } finally {
    await sh(
      'ip6tables -P FORWARD ACCEPT; { ip6tables -F DOCKER-USER; ip6tables -D FORWARD -j DOCKER-USER; ip6tables -X DOCKER-USER; } || :',
    );
    await sh(
      'for chain in $(ip6tables -S | sed -n "s/^-N \\(MINIDOCK-md.*\\)/\\1/p"); do ip6tables -F $chain; ip6tables -X $chain; done',
    );
    await minidock('network', 'rm', 'new', 'four', 'dockers');
  }
});

test.each(['nftables', 'iptables'])(
  'a script makes both families on a host without minidock, with %s',
  async (firewall) => {
    const flags = ['--network', 'aa', '--firewall', firewall, '-p', '8050:80', '-p', '[::1]:8051:80'];
    const text = await ok('run', '--script', '-d', ...flags, ...SERVER);
    expect(text.replace(/\n# +/g, ' ')).toContain('does not serve [::1]:8051/tcp: no rule can');
    const path = join(engine.host.dir, 'six.sh');
    writeFileSync(path, `${text}\n`);
    const bare = await createHost();
    try {
      await giveIpv6(bare);
      const script = bare.spawn(['bash', path]);
      await script.waitForOutput(/^[0-9a-f]{64}$/m);
      const at = `curl -g -s -m 2 http://[${HOST_ADDRESS6}]:8050/`.split(' ');
      await bare.waitFor(async () => (await bare.run(at)).stdout.trim() === page, 'the server');
      expect((await bare.outside(at)).stdout.trim()).toBe(page);
      const inner =
        'ip netns exec $(ls /run/netns | grep ^md-) curl -s -o /dev/null -w %{http_code} -g -m 2 http://[fd00:a::1]:8050/';
      expect((await bare.run(['bash', '-c', inner])).stdout).toBe('200');
      script.kill('SIGTERM');
      expect(await script.exited).toBe(143);
      const left = await bare.run(['bash', '-c', 'nft list ruleset; ip6tables-save; ls /run/netns']);
      expect(left.stdout).not.toMatch(/8050|md-/);
    } finally {
      await bare.dispose();
    }
  },
);

test.each([
  [['why', '[fe80::1]:80'], 'why does not follow link-local addresses, and fe80::1 is one'],
  [['why', '[::g]:80'], "'::g' is not an IPv6 address"],
  [['why', '-4', '[::1]:80'], "IPv4 and IPv6 in one question: '[::1]:80'"],
  [['why', '-4', '-6', ':80'], 'why asks by one family: -4 or -6'],
  [['why', '--from', '192.0.2.7', '[::1]:80'], "IPv4 and IPv6 in one question: '[::1]:80'"],
])('%j says so', async (words, message) => {
  const { exitCode, stderr } = await minidock(...words);
  expect([exitCode, stderr.split('\n')[0]]).toEqual([125, `minidock: ${message}`]);
});

test('a shim that is killed leaves nothing: the next command takes ports and addresses back', async () => {
  const id = await ok('inspect', '-f', '{{.Id}}', 'web');
  const state = JSON.parse(readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8')) as {
    shimPid: number;
  };
  killProcess(state.shimPid);
  await engine.host.waitFor(
    async () => (await ok('ps', '-q', '--filter', 'name=web')) === '',
    'the clean-up',
  );
  expect(await sh('nft list map ip6 minidock published')).not.toContain('8080');
  expect(await sh('nft list map ip6 minidock published')).not.toContain('5353');
  await ok('start', 'web');
  await engine.host.waitFor(
    async () => (await sh('curl -g -s -m 2 http://[::1]:8081/ || :')) === page,
    'the server',
  );
});

const failAt = (id: string, ...args: readonly string[]): Promise<RunResult> =>
  engine.host.run([binary, ...args], { env: { MINIDOCK_FAIL_AT: id } });

test.each([
  'address.fix-routes',
  'address.assign6',
  'route.default6',
  'port.publish:[::]:8060/tcp',
  'flows.forget:IPv6',
])('a start that fails at %s leaves nothing', async (step) => {
  const before = await engine.host.snapshot();
  const flags = ['--rm', '--network', 'aa', '-p', '8060:80', '-p', '[::]:8061:80/udp'];
  const { exitCode, stderr } = await failAt(step, 'run', ...flags, 'test', 'true');
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining(`step ${step} `)]);
  await engine.host.waitFor(
    async () => JSON.stringify(await engine.host.snapshot()) === JSON.stringify(before),
    'the host to be as it was',
  );
});

test('a connect that fails at a step of IPv6 leaves the container as it was', async () => {
  const before = await engine.host.snapshot();
  for (const step of ['address.assign6', 'route.default6']) {
    const { exitCode, stderr } = await failAt(
      step,
      'network',
      'connect',
      '--gw-priority',
      '9',
      'aa',
      'sixer',
    );
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`step ${step} `)]);
    expect(await ok('exec', 'sixer', 'sh', '-c', 'ip -6 route show default; ls /sys/class/net')).toMatch(
      /^default via fd00:6::1 dev eth0 .*\neth0\nlo$/,
    );
  }
  await engine.host.waitFor(
    async () => JSON.stringify(await engine.host.snapshot()) === JSON.stringify(before),
    'the host to be as it was',
  );
  await ok('network', 'connect', '--gw-priority', '9', 'aa', 'sixer');
  expect(await ok('exec', 'sixer', 'ip', '-6', 'route', 'show', 'default')).toMatch(
    /^default via fd00:a::1 dev eth1/,
  );
  expect(await ok('exec', 'sixer', 'ip', 'route', 'show', 'default')).toMatch(/^default via 172/);
  await ok('network', 'disconnect', 'aa', 'sixer');
  expect(await ok('exec', 'sixer', 'ip', '-6', 'route', 'show', 'default')).toMatch(
    /^default via fd00:6::1 dev eth0/,
  );
});

test('nothing is left', async () => {
  await ok('rm', '-f', 'web', 'tables', 'sixer');
  await ok('network', 'prune', '-f');
  expect(await ok('network', 'ls', '--format', '{{.Name}}')).toBe('bridge\nhost\nnone');
  await engine.expectClean();
});
