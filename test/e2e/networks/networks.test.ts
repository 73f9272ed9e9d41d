/** Networks of the user's own: what they connect, what they keep apart, what is left of them when they go. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { processesInside } from '../../support/host/host-cleanup.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok, inside } = engine;

const SERVER = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];
const page = 'hello from the image';
const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const addressOf = (name: string): Promise<string> =>
  ok('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name);
/** Exit status of a page fetched by a new container. */
const fetched = async (target: string, ...flags: readonly string[]): Promise<number> =>
  (await minidock('run', '--rm', ...flags, 'test', 'wget', '-q', '-T', '1', '-O', '-', `http://${target}/`))
    .exitCode;
const rules = (): Promise<string> => sh('nft -s list ruleset; iptables-save | grep -v "^[#:]"');

describe.each(['nftables', 'iptables'])('with %s', (firewall) => {
  const by = ['--firewall', firewall];

  test('neighbours reach each other, other networks do not, the world and published ports are reached', async () => {
    const before = await rules();
    for (const name of ['red', 'blue']) expect(await ok('network', 'create', name)).toMatch(/^[0-9a-f]{64}$/);
    await ok('run', '-d', '--name', 'web', '--network', 'red', '-p', '8080:80', ...by, ...SERVER);
    await ok('run', '-d', '--name', 'old', ...by, ...SERVER);
    const web = await addressOf('web');
    await engine.host.waitFor(
      async () => (await fetched(web, '--network', 'red', ...by)) === 0,
      'a neighbour',
    );
    expect(await fetched(web, '--network', 'blue', ...by)).toBe(1);
    expect(await fetched(web, ...by)).toBe(1);
    expect(await fetched(await addressOf('old'), '--network', 'red', ...by)).toBe(1);
    expect(await fetched(`${HOST_ADDRESS}:8080`, '--network', 'blue', ...by)).toBe(0);
    expect(await fetched(`${HOST_ADDRESS}:8080`, '--network', 'red', ...by)).toBe(0);
    const outside = await engine.host.outside(['curl', '-s', '-m', '2', `http://${HOST_ADDRESS}:8080/`]);
    expect(outside.stdout.trim()).toBe(page);
    await inside(`ping -c1 -W1 ${INTERNET_ADDRESS}`, '--network', 'blue', ...by);
    await engine.host.outside(['ip', 'route', 'add', web, 'via', HOST_ADDRESS]);
    const direct = await engine.host.outside(['curl', '-s', '-m', '1', `http://${web}/`]);
    expect(direct.exitCode).not.toBe(0);
    await engine.host.outside(['ip', 'route', 'del', web]);
    await ok('rm', '-f', 'web', 'old');
    expect(await ok('network', 'rm', 'red', 'blue')).toBe('red\nblue');
    expect(await rules()).toBe(before);
    expect(await sh('ip -o link show type bridge')).not.toContain('mdb');
  });

  test('an internal network: neighbours and this host, and nothing else', async () => {
    const before = await rules();
    await ok('network', 'create', '--internal', '--subnet', '10.77.0.0/24', 'vault');
    // A way back, and one out: what holds is the firewall, not that nobody knows the way.
    await engine.host.outside(['ip', 'route', 'add', '10.77.0.0/24', 'via', HOST_ADDRESS]);
    const way = 'ip route add default via 10.77.0.1';
    const flags = ['--network', 'vault', '--cap-add', 'NET_ADMIN', ...by];
    const serve = `${way}; exec httpd -f -p 80 -h /www`;
    await ok('run', '-d', '--name', 'safe', '-p', '8080:80', ...flags, 'test', 'sh', '-c', serve);
    await engine.host.waitFor(
      async () => (await fetched('10.77.0.2', '--network', 'vault', ...by)) === 0,
      'a neighbour',
    );
    expect(await sh('curl -s http://10.77.0.2/')).toBe(page);
    expect(await inside('ip route', '--network', 'vault', ...by)).toMatch(
      /^10\.77\.0\.0\/24 dev eth0 [^\n]*$/,
    );
    const ping = `${way}; ping -c1 -W1 ${INTERNET_ADDRESS} >/dev/null || echo none`;
    expect(await inside(ping, ...flags)).toBe('none');
    expect(await fetched('10.77.0.2', ...by)).toBe(1);
    const outside = await engine.host.outside(['curl', '-s', '-m', '1', `http://${HOST_ADDRESS}:8080/`]);
    expect(outside.exitCode).not.toBe(0);
    await engine.host.outside(['ip', 'route', 'del', '10.77.0.0/24']);
    await ok('rm', '-f', 'safe');
    await ok('network', 'rm', 'vault');
    expect(await rules()).toBe(before);
  });
});

test('a subnet is chosen clear of routes and of networks whose bridge is not there', async () => {
  await sh(
    'ip link add vpn0 type veth peer name vpn1; ip link set vpn0 up; ip route add 172.18.0.0/16 dev vpn0 onlink || ip route add 172.18.0.0/16 dev vpn0',
  );
  await ok('network', 'create', 'first');
  await sh('ip link delete $(ip -o link show type bridge | grep -o "mdb[0-9a-f]*")');
  await ok('network', 'create', 'second');
  const subnet = '{{(index .IPAM.Config 0).Subnet}}';
  expect(await ok('network', 'inspect', '-f', subnet, 'first', 'second')).toBe(
    '172.19.0.0/16\n172.20.0.0/16',
  );
  // As after a reboot: the first container makes the bridge again.
  expect(await inside('hostname -i', '--network', 'first')).toBe('172.19.0.2');
  await ok('network', 'rm', 'first', 'second');
  await sh('ip link delete vpn0');
});

test('--subnet, --gateway, --ip; inspect and ps know the network’s name', async () => {
  await ok('network', 'create', '--subnet', '10.8.0.0/24', '--gateway', '10.8.0.9', 'mine');
  const id = await ok(
    'run',
    '-d',
    '--name',
    'c1',
    '--network',
    'mine',
    '--ip',
    '10.8.0.77',
    'test',
    'sleep',
    '100',
  );
  expect(await ok('exec', 'c1', 'ip', 'route')).toContain('default via 10.8.0.9');
  expect(
    await ok(
      'inspect',
      '-f',
      '{{.HostConfig.NetworkMode}} {{.NetworkSettings.Networks.mine.Gateway}} [{{.NetworkSettings.IPAddress}}]',
      'c1',
    ),
  ).toBe('mine 10.8.0.9 []');
  expect(await ok('ps', '-q', '--filter', 'network=mine')).toBe(id.slice(0, 12));
  expect(await ok('network', 'inspect', '-f', `{{(index .Containers "${id}").IPv4Address}}`, 'mine')).toBe(
    '10.8.0.77/24',
  );
  await ok('rm', '-f', 'c1');
  await ok('network', 'rm', 'mine');
});

test('a network in use stays, also one whose user’s shim was killed until that is cleaned up', async () => {
  await ok('network', 'create', 'busy');
  const id = await ok('run', '-d', '--name', 'user', '--network', 'busy', 'test', 'sleep', '1000');
  const { exitCode, stderr } = await minidock('network', 'rm', 'busy');
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('has active endpoints')]);
  expect(await ok('exec', 'user', 'ip', 'route')).toContain('default');
  for (const pid of processesInside(engine.host.pid)) {
    if (readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(`"id":"${id}"`)) killProcess(pid);
  }
  await ok('network', 'rm', 'busy');
  expect(await ok('inspect', '-f', '{{.State.Status}}', 'user')).toBe('exited');
  const again = await minidock('start', 'user');
  expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining('network busy not found')]);
});

test('many at once: each gets a subnet of its own; removing and starting at once ends one way or the other', async () => {
  const names = ['n1', 'n2', 'n3', 'n4'];
  await Promise.all(names.map((name) => ok('network', 'create', name)));
  const subnets = await ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', ...names);
  expect(new Set(subnets.split('\n')).size).toBe(4);
  await Promise.all(
    names.flatMap((name) => [
      minidock('run', '--rm', '--network', name, 'test', 'true'),
      minidock('network', 'rm', name),
    ]),
  );
  await minidock('network', 'rm', '-f', ...names);
  expect(await sh('ip -o link show type bridge')).not.toContain('mdb');
  expect(await ok('network', 'ls', '--format', '{{.Name}}')).toBe('bridge\nhost\nnone');
});

test('a step that fails takes the network with it', async () => {
  await sh('mkdir /run/broken; printf "#!/bin/sh\\nexit 1\\n" >/run/broken/nft; chmod +x /run/broken/nft');
  const before = await rules();
  const { exitCode, stderr } = await engine.host.run([
    'bash',
    '-c',
    `PATH=/run/broken:$PATH ${join(import.meta.dirname, '../../../dist/minidock')} network create half`,
  ]);
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('step firewall.isolate')]);
  expect(await rules()).toBe(before);
  expect(await sh('ip -o link show type bridge')).not.toContain('mdb');
  expect(readdirSync(join(engine.host.root, 'networks')).filter((name) => name.endsWith('.json'))).toEqual([
    'bridge.json',
  ]);
  await sh('rm -r /run/broken');
});

test('what is refused', async () => {
  const refusals = [
    [['-d', 'nope', 'x1'], 'plugin "nope" not found'],
    [['--subnet', '172.17.5.0/24', 'x1'], 'Pool overlaps with other one on this address space'],
    [['--subnet', '10.8.0.0/31', 'x1'], 'prefix length from 8 to 30'],
    [['--subnet', '255.255.255.255/32', 'x1'], 'prefix length from 8 to 30'],
    [['--subnet', '0.0.0.0/8', 'x1'], 'overlaps 0.0.0.0/8'],
    [['--subnet', '127.0.0.0/24', 'x1'], 'loopback'],
    [['--subnet', '224.0.0.0/8', 'x1'], 'multicast'],
    [['--subnet', '239.255.0.0/16', 'x1'], 'multicast'],
    [['--subnet', '255.255.255.0/24', 'x1'], 'broadcast'],
    [['--subnet', '192.0.2.0/24', 'x1'], `${HOST_ADDRESS} is the address of eth0 on this host`],
    [['--subnet', '192.0.2.0/24', '--dry-run', 'x1'], 'is the address of eth0'],
    [['container:x1'], 'invalid name for a network'],
  ] as const;
  for (const [flags, words] of refusals) {
    const { exitCode, stderr } = await minidock('network', 'create', ...flags);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(words)]);
  }
  expect((await minidock('network', 'connect', 'bridge', 'x1')).exitCode).toBe(1);
});

test('--dry-run in a network of one’s own shows its bridge', async () => {
  const id = await ok('network', 'create', 'mine');
  expect(await ok('run', '--dry-run', '--network', 'mine', 'test', 'true')).toContain(
    `mdb${id.slice(0, 12)}`,
  );
  await ok('network', 'rm', 'mine');
});

test('--explain tells each step, on standard error; --dry-run the same, and makes nothing', async () => {
  const planned = await ok('network', 'create', '--dry-run', '--explain=json', 'told');
  expect((await minidock('network', 'inspect', 'told')).exitCode).toBe(1);
  const { stdout, stderr } = await minidock('network', 'create', '--explain=all', 'told');
  expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  const bridge = `mdb${stdout.slice(0, 12)}`;
  const told = planned
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { title: string });
  expect(stderr.match(/^ {2}\[.*/gm)?.map((line) => line.replace(/.*\] /, ''))).toEqual(
    told.map(({ title }) => title.replace(/mdb[0-9a-f]{12}/, bridge)),
  );
  for (const words of [
    `$ ip link add name ${bridge} address 0a:42:`,
    `Undo:    ip link delete ${bridge}\n`,
    'Undo:    minidock network rm told\n',
    'Close',
    'Masquerade',
    'Why:',
    'done in',
  ])
    expect(stderr).toContain(words);
  await ok('network', 'rm', stdout.trim().slice(0, 12));
});

test('doctor knows networks: they are no leftovers, and what is missing of them is put back', async () => {
  await ok('network', 'create', 'mine');
  expect((await minidock('doctor')).exitCode).toBe(0);
  await ok('run', '-d', '--name', 'web', '--network', 'mine', ...SERVER);
  await sh('nft flush ruleset');
  const { exitCode, stdout } = await minidock('doctor', '--fix');
  expect([exitCode, stdout]).toEqual([0, expect.stringContaining('repaired  web lacks')]);
  await ok('rm', '-f', 'web');
  await ok('network', 'rm', 'mine');
  await sh('ip link add mdb0123456789ab type bridge');
  expect((await minidock('doctor')).stdout).toContain(
    'bridge mdb0123456789ab belongs to no network of this root',
  );
  await sh('ip link delete mdb0123456789ab');
  for (const firewall of ['nftables', 'iptables'])
    await ok('run', '--rm', '--firewall', firewall, 'test', 'true');
});

test.each(['bridge', 'red'])('who leaves takes nothing along that the others use: %s', async (network) => {
  if (network !== 'bridge') await ok('network', 'create', network);
  for (const name of ['stays', 'leaves'])
    await ok('run', '-d', '--name', name, '--network', network, 'test', 'sleep', '1000');
  // A bridge without an address of its own has the lowest of its ports'.
  const port = await ok('exec', 'leaves', 'cat', '/sys/class/net/eth0/iflink');
  await sh(
    `ip link set "$(ip -o link | sed -n 's/^${port}: \\([^@]*\\)@.*/\\1/p')" address 02:00:00:00:00:01`,
  );
  const gateway = await ok('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Gateway}}', network);
  const ping = ['exec', 'stays', 'ping', '-c1', '-W2', gateway];
  await ok(...ping);
  await ok('rm', '-f', 'leaves');
  await ok(...ping);
  await ok('rm', '-f', 'stays');
  if (network !== 'bridge') await ok('network', 'rm', network);
});

test('no container has the hardware address of the bridge, also if it asks for that of the gateway', async () => {
  await inside('ping -c1 -W2 172.17.0.1', '--mac-address', '02:42:ac:11:00:01');
});
