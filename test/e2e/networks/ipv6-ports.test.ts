/**
 * Published ports and IPv6: where `-p` binds, who reaches what, and the relay that serves clients whom the kernel cannot
 * redirect: at ::1, at link-local addresses, and by a family that the container does not have.
 */
import { beforeAll, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { processesInside } from '../../support/host/host-cleanup.ts';
import { killProcess } from '../../support/host/processes.ts';
import { HOST_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';
import { HOST_ADDRESS6, prepareIpv6 } from '../../support/host/ipv6.ts';
import { readFileSync } from 'node:fs';

const engine = useEngine({ iptables: true, keep: true, prepare: prepareIpv6 });
const { minidock, ok } = engine;
const page = 'hello from the image';
const SERVER = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];

const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const fetch = (place: string): Promise<string> => sh(`curl -g -s -m 2 http://${place}/ || echo none`);
const outside = async (place: string): Promise<string> =>
  (await engine.host.outside(['bash', '-c', `curl -g -s -m 2 http://${place}/ || echo none`])).stdout.trim();
const ports = (name: string): Promise<string> =>
  ok('ps', '--filter', `name=^${name}$`, '--format', '{{.Ports}}');
const isRelay = (pid: number): boolean =>
  readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('\0__relay\0');
const relayPids = (): readonly number[] => processesInside(engine.host.pid).filter(isRelay);
const relays = (): number => relayPids().length;
/** Counts those that were not there yet; a container's relay ends by itself once nobody uses it. */
const newRelays = (): (() => number) => {
  const before = relayPids();
  return () => relayPids().filter((pid) => !before.includes(pid)).length;
};

beforeAll(async () => {
  await ok('network', 'create', '--ipv6', '--subnet', 'fd00:a::/64', 'aa');
  await ok('network', 'create', '--ipv6', '--ipv4=false', '--subnet', 'fd00:6::/64', 'six');
});
test('-p binds both families of a network that has both; ps, port and inspect tell', async () => {
  const published = ['-p', '8080:80', '-p', '[::1]:8081:80', '-p', '[::]:8082:80', '-p', '0.0.0.0:8083:80'];
  await ok('run', '-d', '--name', 'web', '--network', 'aa', ...published, ...SERVER);
  expect(await ports('web')).toBe(
    '0.0.0.0:8080->80/tcp, 0.0.0.0:8083->80/tcp, :::8080->80/tcp, :::8082->80/tcp, ::1:8081->80/tcp',
  );
  expect((await ok('port', 'web', '80')).split('\n')).toEqual([
    ...['0.0.0.0:8080', '0.0.0.0:8083', '[::1]:8081', '[::]:8080', '[::]:8082'],
  ]);
  expect(await ok('inspect', '-f', '{{json .HostConfig.PortBindings}}', 'web')).toContain(
    '{"HostIp":"::1","HostPort":"8081"}',
  );
  await engine.host.waitFor(async () => (await fetch('127.0.0.1:8080')) === page, 'the server');
});

test.each([
  ['127.0.0.1:8080', page],
  ['[::1]:8080', page],
  [`[${HOST_ADDRESS6}]:8080`, page],
  ['[fd00:a::1]:8080', page],
  ['[::1]:8081', page],
  [`[${HOST_ADDRESS6}]:8081`, 'none'],
  ['[::1]:8082', page],
  ['127.0.0.1:8082', 'none'],
  ['127.0.0.1:8083', page],
  ['[::1]:8083', 'none'],
])('from the host, %s', async (place, answer) => {
  expect(await fetch(place)).toBe(answer);
});

test.each([
  [`${HOST_ADDRESS}:8080`, page],
  [`[${HOST_ADDRESS6}]:8080`, page],
  [`[${HOST_ADDRESS6}]:8081`, 'none'],
  [`[${HOST_ADDRESS6}]:8082`, page],
  [`[${HOST_ADDRESS6}]:8083`, 'none'],
])('from outside, %s', async (place, answer) => {
  expect(await outside(place)).toBe(answer);
});

test('a neighbour reaches the port by the link-local address of the bridge', async () => {
  const bridge = await ok(
    'network',
    'inspect',
    '-f',
    '{{index .Options "com.docker.network.bridge.name"}}',
    'aa',
  );
  const local = await sh(
    `ip -6 address show dev ${bridge} scope link | sed -n 's|.*inet6 \\(fe80[^/]*\\)/.*|\\1|p'`,
  );
  const got = await engine.inside(`wget -q -T 2 -O - "http://[${local}%eth0]:8080/"`, '--network', 'aa');
  expect(got.trim()).toBe(page);
});

test('a container with IPv4 alone is served by IPv6, and one with IPv6 alone by IPv4', async () => {
  await ok('run', '-d', '--name', 'four', '-p', '[::]:8092:80', ...SERVER);
  await ok(
    'run',
    '-d',
    '--name',
    'sixer',
    '--network',
    'six',
    '-p',
    '8095:80',
    '-p',
    '127.0.0.1:8096:80',
    ...SERVER,
  );
  expect(await ports('sixer')).toBe('127.0.0.1:8096->80/tcp, :::8095->80/tcp');
  for (const place of ['[::1]:8092', `[${HOST_ADDRESS6}]:8092`, '[::1]:8095', '127.0.0.1:8096'])
    await engine.host.waitFor(async () => (await fetch(place)) === page, place);
  expect(await outside(`[${HOST_ADDRESS6}]:8092`)).toBe(page);
  expect(await outside(`[${HOST_ADDRESS6}]:8095`)).toBe(page);
});

test('a relay passes on megabytes both ways, and the end of what a client says', async () => {
  const id = await ok(
    'run',
    '-d',
    '--name',
    'echo',
    '--network',
    'aa',
    '-p',
    '[::1]:7007:7',
    'test',
    'sleep',
    '100',
  );
  const echo = `require('node:net').createServer({ allowHalfOpen: true }, (c) => { let n = 0; c.on('data', (d) => { n += d.length; c.write(d) || c.pause(); }); c.on('drain', () => c.resume()); c.on('end', () => c.end('heard ' + n)); }).listen(7, '::', () => console.log('listening'))`;
  const server = engine.host.spawn([process.execPath, '-e', echo], { netns: `md-${id.slice(0, 12)}` });
  await server.waitForOutput(/listening/);
  const client = `const c = require('node:net').connect({ port: 7007, host: '::1', allowHalfOpen: true }); let n = 0, last = ''; c.on('data', (d) => { n += d.length; last = d.toString('latin1').slice(-16); }); c.on('end', () => console.log(n, last.match(/heard.*/)[0])); c.end(Buffer.alloc(3000000, 'x'));`;
  const { stdout } = await succeed(engine.host.run([process.execPath, '-e', client]));
  expect(stdout.trim()).toBe('3000013 heard 3000000');
  server.kill();
  await server.exited;
});

/** Answers each datagram with its own length and text; `silent` ones with nothing. */
const UDP_ECHO = `const s = require('node:dgram').createSocket({ type: 'udp6' }); s.on('message', (m, from) => { if (m.length > 0 && m[0] !== 115) s.send(m.length + ' ' + m.subarray(0, 9), from.port, from.address); }); s.bind(53, '::', () => console.log('listening'));`;
const askUdp = (port: number, message: string, address = '::1'): Promise<string> =>
  sh(
    `${process.execPath} -e "const s = require('node:dgram').createSocket('udp6'); const ask = () => s.send(${message}, ${port}, '${address}'); s.on('message', (m) => { console.log(String(m)); process.exit(); }); s.on('error', (e) => { console.log(e.code); process.exit(); }); setTimeout(() => { console.log('none'); process.exit(); }, 3000); ask()"`,
  );

test('UDP at ::1: many clients, each with its own answer, large datagrams, and one process that ends', async () => {
  const own = newRelays();
  const flags = ['--network', 'aa', '-p', '[::1]:5301:53/udp', '-p', '[::]:5302:53/udp'];
  const id = await ok('run', '-d', '--name', 'udp', ...flags, 'test', 'sleep', '100');
  expect(await ok('port', 'udp')).toBe('53/udp -> [::1]:5301\n53/udp -> [::]:5302');
  const server = engine.host.spawn([process.execPath, '-e', UDP_ECHO], { netns: `md-${id.slice(0, 12)}` });
  await server.waitForOutput(/listening/);
  expect(own()).toBe(0);
  expect(await askUdp(5301, "'hello'")).toBe('5 hello');
  expect(own()).toBe(1);
  expect(await askUdp(5301, "Buffer.alloc(60000, 'x')")).toBe('60000 xxxxxxxxx');
  const many = Array.from({ length: 12 }, (_, index) => askUdp(5301, `'client${String(index)}'`));
  expect(await Promise.all(many)).toEqual(
    many.map((_, index) => `${String(6 + String(index).length)} client${String(index)}`),
  );
  expect(own()).toBe(1);
  expect(await askUdp(5302, "'both'")).toBe('4 both');
  // The kernel redirects this one, and no relay sees it.
  expect(await askUdp(5302, "'own'", HOST_ADDRESS6)).toBe('3 own');
  expect(await sh('ss -Hlun sport = :5302')).toContain('[::]:5302');
  server.kill();
  await server.exited;
  await ok('rm', '-f', 'udp');
  await engine.host.waitFor(() => own() === 0, 'the relay to end');
  expect(await sh('ss -Hlun')).toBe('');
});

test('a relay of UDP that is killed is started again by the next datagram', async () => {
  const id = await ok('run', '-d', '--name', 'udp', '-p', '[::]:5303:53/udp', 'test', 'sleep', '100');
  const server = engine.host.spawn([process.execPath, '-e', UDP_ECHO], { netns: `md-${id.slice(0, 12)}` });
  await server.waitForOutput(/listening/);
  expect(await askUdp(5303, "'four'")).toBe('4 four');
  for (const pid of processesInside(engine.host.pid)) if (isRelay(pid)) killProcess(pid);
  await engine.host.waitFor(() => relays() === 0, 'the relays to be gone');
  expect(await askUdp(5303, "'again'")).toBe('5 again');
  server.kill();
  await server.exited;
  await ok('rm', '-f', 'udp');
});

test('many clients at once are one process, which ends with the container', async () => {
  expect(await fetch('[::1]:8080')).toBe(page);
  const own = newRelays();
  expect(relays()).toBeGreaterThan(0);
  const all = await sh('for i in $(seq 40); do curl -g -s -m 5 http://[::1]:8080/ & done; wait');
  expect(all.split('\n').filter((line) => line === page)).toHaveLength(40);
  expect(own()).toBe(0);
  await ok('rm', '-f', 'web', 'four', 'sixer', 'echo');
  await engine.host.waitFor(() => relays() === 0, 'the relays to end');
  expect(await fetch('[::1]:8080')).toBe('none');
  expect(await sh('ss -Hltn')).toBe('');
});

test('ports and relays follow the container to another network, and back', async () => {
  await ok('run', '-d', '--name', 'mover', '--network', 'aa', '-p', '8080:80', '-p', '80', ...SERVER);
  const [first] = (await ports('mover')).match(/0\.0\.0\.0:(\d{5})/)?.slice(1) ?? [];
  expect(await ports('mover')).toBe(
    `0.0.0.0:8080->80/tcp, 0.0.0.0:${first ?? ''}->80/tcp, :::8080->80/tcp, :::${first ?? ''}->80/tcp`,
  );
  await engine.host.waitFor(async () => (await fetch('[::1]:8080')) === page, 'the server');
  await ok('network', 'connect', 'bridge', 'mover');
  await ok('network', 'disconnect', 'aa', 'mover');
  expect(await ports('mover')).toContain(`:::8080->80/tcp, :::${first ?? ''}->80/tcp`);
  // Relayed to its IPv4 address now.
  expect([await fetch('[::1]:8080'), await fetch('127.0.0.1:8080')]).toEqual([page, page]);
  await ok('network', 'connect', '--ip6', 'fd00:a::99', 'aa', 'mover');
  await ok('network', 'disconnect', 'bridge', 'mover');
  expect(await ports('mover')).toContain(`:::8080->80/tcp, :::${first ?? ''}->80/tcp`);
  for (const place of ['[::1]:8080', '127.0.0.1:8080', `[${HOST_ADDRESS6}]:8080`])
    expect(await fetch(place)).toBe(page);
  await ok('rm', '-f', 'mover');
});

test('-p 80 and a range pass by ports that are taken at :: alone', async () => {
  const range = '/proc/sys/net/ipv4/ip_local_port_range';
  const before = await sh(`cat ${range}`);
  await sh(`echo 40000 40003 >${range}`);
  const listen = `for (const port of [40000, 40001, 40003, 8090]) require('node:net').createServer().listen({ port, host: '::', ipv6Only: true }, () => console.log('listening'))`;
  const holder = engine.host.spawn([process.execPath, '-e', listen]);
  await holder.waitForOutput(/(listening\s*){4}/);
  try {
    for (const network of ['aa', 'bridge']) {
      await ok('run', '-d', '--name', 'free', '--network', network, '-p', '80', 'test', 'sleep', '100');
      expect(await ports('free')).toBe('0.0.0.0:40002->80/tcp, :::40002->80/tcp');
      const none = await minidock('run', '--rm', '--network', network, '-p', '80', 'test', 'true');
      expect([none.exitCode, none.stderr]).toEqual([125, expect.stringContaining('all ports are allocated')]);
      await ok('rm', '-f', 'free');
      await ok(
        'run',
        '-d',
        '--name',
        'free',
        '--network',
        network,
        '-p',
        '8090-8092:80',
        'test',
        'sleep',
        '100',
      );
      expect(await ports('free')).toBe('0.0.0.0:8091->80/tcp, :::8091->80/tcp');
      await ok('rm', '-f', 'free');
    }
  } finally {
    await sh(`echo ${before} >${range}`);
    holder.kill();
    await holder.exited;
  }
});

test('a container with IPv4 alone is published by both families, as Docker does it, unless the port says otherwise', async () => {
  const published = [
    '-p',
    '8100:80',
    '-p',
    '0.0.0.0:8101:80',
    '-p',
    '127.0.0.1:8102:80',
    '-p',
    '8103:53/udp',
  ];
  const id = await ok('run', '-d', '--name', 'only', ...published, ...SERVER);
  expect(await ports('only')).toBe(
    '0.0.0.0:8103->53/udp, :::8103->53/udp, 0.0.0.0:8100->80/tcp, 0.0.0.0:8101->80/tcp, 127.0.0.1:8102->80/tcp, :::8100->80/tcp',
  );
  expect((await ok('port', 'only', '80')).split('\n')).toEqual([
    ...['0.0.0.0:8100', '0.0.0.0:8101', '127.0.0.1:8102', '[::]:8100'],
  ]);
  await engine.host.waitFor(async () => (await fetch('127.0.0.1:8100')) === page, 'the server');
  for (const place of ['[::1]:8100', `[${HOST_ADDRESS6}]:8100`]) expect(await fetch(place)).toBe(page);
  for (const place of ['[::1]:8101', '[::1]:8102', `[${HOST_ADDRESS6}]:8101`])
    expect(await fetch(place)).toBe('none');
  expect(await outside(`[${HOST_ADDRESS6}]:8100`)).toBe(page);
  expect(await outside(`[${HOST_ADDRESS6}]:8102`)).toBe('none');
  const server = engine.host.spawn([process.execPath, '-e', UDP_ECHO], { netns: `md-${id.slice(0, 12)}` });
  await server.waitForOutput(/listening/);
  expect(await askUdp(8103, "'four'", HOST_ADDRESS6)).toBe('4 four');
  server.kill();
  await server.exited;
  await ok('rm', '-f', 'only');
});

test('a port that is taken is refused, whichever family has it', async () => {
  const listen = "require('node:net').createServer().listen(8099, '::1', () => console.log('listening'))";
  const holder = engine.host.spawn([process.execPath, '-e', listen]);
  await holder.waitForOutput(/listening/);
  for (const where of ['8099:80', '[::1]:8099:80', '[::]:8099:80']) {
    const { stderr, exitCode } = await minidock(
      'run',
      '--rm',
      '--network',
      'aa',
      '-p',
      where,
      'test',
      'true',
    );
    expect([exitCode, stderr]).toEqual([
      125,
      expect.stringMatching(/Bind for \[::1?\]:8099 failed: port is already allocated/),
    ]);
  }
  holder.kill();
  await holder.exited;
  const wrong = await minidock('run', '--rm', '-p', '[fe80::1%eth0]:80:80', 'test', 'true');
  expect([wrong.exitCode, wrong.stderr]).toEqual([125, expect.stringContaining('Invalid ip address')]);
  const unknown = await minidock('run', '--rm', '-p', '[2001:db8::99]:80:80', 'test', 'true');
  expect([unknown.exitCode, unknown.stderr]).toEqual([
    125,
    expect.stringContaining('listen tcp6 [2001:db8::99]:80: bind: cannot assign requested address'),
  ]);
});

test('nothing is left', async () => {
  await ok('network', 'rm', 'aa', 'six');
  expect(relays()).toBe(0);
  await engine.expectClean();
});
