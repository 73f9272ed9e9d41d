/** Names on networks of the user's: who is found by which name, from where, and what asks the world outside. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { driver } from '../../support/bun.ts';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok } = engine;

interface Asked {
  readonly name: string;
  readonly type?: string;
  readonly tcp?: boolean;
  readonly size?: number;
  readonly raw?: string;
}
interface Answered {
  readonly rcode: number;
  readonly data: readonly string[];
  readonly cut?: boolean;
  readonly edns?: boolean;
}

const RESOLVER = '127.0.0.11';
const SLEEP = ['test', 'sleep', '1000'];
const netnsOf = async (container: string): Promise<string> =>
  `md-${(await ok('inspect', '-f', '{{.Id}}', container)).slice(0, 12)}`;
const pidOf = async (container: string): Promise<string> => ok('inspect', '-f', '{{.State.Pid}}', container);
const addressOf = (name: string): Promise<string> =>
  ok('inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', name);

/** One query after the other, from inside a container's network. */
async function ask(container: string, ...queries: readonly Asked[]): Promise<readonly Answered[]> {
  const words = driver('dns-driver.ts', 'ask', RESOLVER, JSON.stringify(queries));
  const { stdout } = await succeed(engine.host.inNetns(await netnsOf(container), words));
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answered);
}
const found = (...data: readonly string[]): Answered => ({ rcode: 0, data });
const serve = async (address: string, mode = 'answer', where: 'host' | 'outside' = 'outside') => {
  const server = engine.host.spawn(driver('dns-driver.ts', 'serve', address, mode), where);
  await server.waitForOutput(/ready/);
  return server;
};

beforeEach(async () => void (await ok('network', 'create', 'net')));
afterEach(async () => {
  const running = (await ok('ps', '-q')).split('\n').filter(Boolean);
  if (running.length > 0) await ok('rm', '-f', ...running);
  await ok('network', 'rm', 'net');
});

describe.each(['nftables', 'iptables'])('with %s', (firewall) => {
  const on = ['--firewall', firewall, '--network', 'net'];

  test('by name, alias, short id and host name; live as containers come and go', async () => {
    await ok('run', '-d', '--name', 'web', '--hostname', 'front', '--network-alias', 'api', ...on, ...SLEEP);
    await ok('run', '-d', '--name', 'db', '--network-alias', 'api', ...on, ...SLEEP);
    const [web, db] = [await addressOf('web'), await addressOf('db')];
    const id = (await ok('inspect', '-f', '{{.Id}}', 'web')).slice(0, 12);
    const names = ['web', 'WEB', 'web.net', 'front', id].map((name): Asked => ({ name }));
    expect(await ask('db', ...names)).toEqual(names.map(() => found(web)));
    const [both] = await ask('db', { name: 'api' });
    expect(both?.data.toSorted()).toEqual([web, db].toSorted());
    const reverse = `${web.split('.').reverse().join('.')}.in-addr.arpa`;
    expect(await ask('db', { name: reverse, type: 'PTR' }, { name: 'web', type: 'AAAA' })).toEqual([
      found('web.net'),
      found(),
    ]);
    expect(await ok('exec', 'db', 'nslookup', 'web')).toContain(web);
    await ok('rm', '-f', 'web');
    expect(await ask('db', { name: 'api' })).toEqual([found(db)]);
    await ok('run', '-d', '--name', 'web', ...on, ...SLEEP);
    expect(await ask('db', { name: 'web' })).toEqual([found(await addressOf('web'))]);
    await ok('rename', 'web', 'web2');
    expect(await ask('db', { name: 'web2' })).toEqual([found(await addressOf('web2'))]);
    expect((await ask('db', { name: 'web' }))[0]?.data).toEqual([]);
    await ok('rm', '-f', 'web2', 'db');
  });

  test('port 53 stays free for a name server in the container', async () => {
    await ok('run', '-d', '--name', 'own', ...on, 'test', 'httpd', '-f', '-p', '53');
    await ok('run', '-d', '--name', 'db', ...on, ...SLEEP);
    const bind = `require('dgram').createSocket('udp4').bind(53, '0.0.0.0', function () { console.log('bound'); this.close(); })`;
    expect((await engine.host.inNetns(await netnsOf('own'), ['node', '-e', bind])).stdout.trim()).toBe(
      'bound',
    );
    expect(await ask('own', { name: 'db' })).toEqual([found(await addressOf('db'))]);
    await ok('rm', '-f', 'own', 'db');
  });
});

test('by TCP; more than fits a datagram comes by TCP, or with EDNS', async () => {
  const many = Array.from({ length: 40 }, (_, at) => `c${String(at)}`);
  for (const name of many)
    await ok('run', '-d', '--name', name, '--network-alias', 'all', '--network', 'net', ...SLEEP);
  const [cut, edns, whole] = await ask(
    'c0',
    { name: 'all' },
    { name: 'all', size: 4096 },
    { name: 'all', tcp: true },
  );
  expect(cut).toEqual({ rcode: 0, data: [], cut: true });
  expect(edns?.edns).toBe(true);
  for (const answer of [edns, whole]) expect(answer?.data.length).toBe(40);
}, 120_000);

test('other names go to the servers of --dns, the next one where one fails', async () => {
  const server = await serve(INTERNET_ADDRESS);
  const refusing = await serve('127.0.0.1', 'refuse', 'outside');
  await ok('run', '-d', '--name', 'db', '--network', 'net', '--dns', INTERNET_ADDRESS, ...SLEEP);
  expect(await ask('db', { name: 'x.example' }, { name: 'x.example', tcp: true })).toEqual([
    found('192.0.2.99'),
    found('192.0.2.99'),
  ]);
  expect(server.output()).toContain('asked udp x.example A');
  expect(server.output()).toContain('asked tcp x.example A');
  // Nobody listens at the first one.
  await ok(
    'run',
    '-d',
    '--name',
    'two',
    '--network',
    'net',
    '--dns',
    HOST_ADDRESS,
    '--dns',
    INTERNET_ADDRESS,
    ...SLEEP,
  );
  expect(await ask('two', { name: 'y.example' })).toEqual([found('192.0.2.99')]);
  server.kill();
  await server.exited;
  refusing.kill();
  const [failed] = await ask('two', { name: 'z.example' });
  expect(failed).toEqual({ rcode: 2, data: [] });
}, 60_000);

test('an answer that is too large for a datagram is asked for again by TCP', async () => {
  const server = await serve(INTERNET_ADDRESS, 'large');
  await ok('run', '-d', '--name', 'db', '--network', 'net', '--dns', INTERNET_ADDRESS, ...SLEEP);
  const [cut, whole] = await ask(
    'db',
    { name: 'x.example', type: 'TXT' },
    { name: 'x.example', type: 'TXT', tcp: true },
  );
  expect(cut).toMatchObject({ cut: true });
  expect(whole?.data[0]?.length).toBeGreaterThan(512);
  server.kill();
});

test("a server on the host's loopback, as systemd-resolved's, is asked from the host", async () => {
  const server = await serve('127.0.0.53', 'answer', 'host');
  await succeed(
    engine.host.run([
      ...['bash', '-euc'],
      'printf "nameserver 127.0.0.53\\nsearch lan.example\\noptions edns0\\n" >/run/resolv; mount --bind /run/resolv /etc/resolv.conf',
    ]),
  );
  try {
    await ok('run', '-d', '--name', 'db', '--network', 'net', ...SLEEP);
    expect(await ok('exec', 'db', 'cat', '/etc/resolv.conf')).toBe(
      'nameserver 127.0.0.11\nsearch lan.example\noptions edns0 ndots:0',
    );
    expect(await ask('db', { name: 'x.example' })).toEqual([found('192.0.2.99')]);
  } finally {
    await engine.host.run(['umount', '/etc/resolv.conf']);
    server.kill();
  }
});

test('from internal networks only, nothing is asked outside: it would be a way out (CVE-2024-29018)', async () => {
  await ok('network', 'create', '--internal', 'vault');
  const server = await serve(INTERNET_ADDRESS);
  const onHost = await serve('127.0.0.53', 'answer', 'host');
  for (const dns of [INTERNET_ADDRESS, '127.0.0.53']) {
    await ok('run', '-d', '--name', 'db', '--network', 'vault', '--dns', dns, ...SLEEP);
    expect(await ask('db', { name: 'secret.example' }, { name: 'db' })).toEqual([
      { rcode: 2, data: [] },
      found(await addressOf('db')),
    ]);
    await ok('rm', '-f', 'db');
  }
  for (const one of [server, onHost]) {
    expect(one.output()).not.toContain('secret');
    one.kill();
  }
  await ok('network', 'rm', 'vault');
});

test('the default network has no names, as with Docker', async () => {
  await ok('run', '-d', '--name', 'web', ...SLEEP);
  expect((await minidock('run', '--rm', 'test', 'cat', '/etc/resolv.conf')).stdout).not.toContain(RESOLVER);
});

test('nobody asks: no resolver. One that dies is back with the next query, and none outlives its container', async () => {
  await ok('run', '-d', '--name', 'db', '--network', 'net', ...SLEEP);
  const id = await ok('inspect', '-f', '{{.Id}}', 'db');
  const resolvers = async (): Promise<readonly string[]> => {
    const { stdout } = await engine.host.run(['pgrep', '-f', `__resolve .*${id}`]);
    return stdout.split('\n').filter((line) => line !== '');
  };
  expect(await resolvers()).toEqual([]);
  const here = found(await addressOf('db'));
  expect(await ask('db', { name: 'db' })).toEqual([here]);
  const [first = ''] = await resolvers();
  await succeed(engine.host.run(['kill', '-KILL', first]));
  await engine.host.waitFor(async () => !(await resolvers()).includes(first), 'the resolver to be gone');
  expect(await ask('db', { name: 'db' })).toEqual([here]);
  expect((await resolvers()).length).toBe(1);
  await ok('rm', '-f', 'db');
  expect(await resolvers()).toEqual([]);
});

test('a damaged record of what a container looks up ends no resolver', async () => {
  await ok('run', '-d', '--name', 'db', '--network', 'net', ...SLEEP);
  const here = found(await addressOf('db'));
  const zone = join(
    engine.host.runDir,
    'containers',
    await ok('inspect', '-f', '{{.Id}}', 'db'),
    'zone.json',
  );
  const good = readFileSync(zone);
  writeFileSync(zone, '{"networks": 1}');
  expect(await ask('db', { name: 'db' })).toEqual([{ rcode: 2, data: [] }]);
  rmSync(zone);
  writeFileSync(zone, good);
  expect(await ask('db', { name: 'db' })).toEqual([here]);
});

test('what is no query hurts nobody', async () => {
  await ok('run', '-d', '--name', 'db', '--network', 'net', ...SLEEP);
  const here = found(await addressOf('db'));
  const pointer = `123401000001000000000000c00c00010001`;
  const odd = ['', '00', '1234', pointer, 'ff'.repeat(600), `1234010000010000000000003f${'61'.repeat(63)}`];
  const answers = await ask(
    'db',
    { name: 'db' },
    { name: '', raw: pointer },
    { name: '', raw: pointer, tcp: true },
  );
  expect(answers).toEqual([here, { rcode: 1, data: [] }, { rcode: 1, data: [] }]);
  // Each socket closes once its datagram is out, and node ends with the last.
  const send = `for (const hex of ${JSON.stringify(odd)}) { const s = require('dgram').createSocket('udp4'); s.send(Buffer.from(hex, 'hex'), 53, '${RESOLVER}', () => s.close()); }`;
  await succeed(engine.host.inNetns(await netnsOf('db'), ['node', '-e', send]));
  expect(await ask('db', { name: 'db' })).toEqual([here]);
  expect(await pidOf('db')).not.toBe('0');
});
