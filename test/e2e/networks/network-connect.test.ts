/**
 * `network connect` and `network disconnect`, and several networks at a start: what is reached, which way packets take,
 * where ports lead; each step made to fail, and the shim that does the steps killed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { StepObject } from '../../../src/teach/explain/step-json.ts';
import { useEngine } from '../../support/engine.ts';
import { processesInside } from '../../support/host/host-cleanup.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { succeed } from '../../support/images/image.ts';
import { killProcess, type RunResult } from '../../support/host/processes.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const SERVER = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];
const NETWORKS = [
  ['aa', '10.9.0.0/24'],
  ['bb', '10.10.0.0/24'],
  ['cc', '10.11.0.0/24', '--internal'],
] as const;
const page = 'hello from the image';

const sh = async (script: string): Promise<string> =>
  (await succeed(engine.host.run(['bash', '-euc', script]))).stdout.trim();
const failAt = (id: string, ...args: readonly string[]): Promise<RunResult> =>
  engine.host.run([binary, ...args], { env: { MINIDOCK_FAIL_AT: id } });
const outcome = ({ exitCode, stderr }: RunResult): readonly [number, string] => [
  exitCode,
  stderr.replace(/^minidock: /, '').split('\n')[0] ?? '',
];
const refused = async (...args: readonly string[]): Promise<string> => {
  const [exitCode, words] = outcome(await minidock(...args));
  expect([args, exitCode]).toEqual([args, 1]);
  return words;
};
const routes = (name: string): Promise<string> => ok('exec', name, 'sh', '-c', 'ip route | sed "s/ *$//"');
const addresses = async (name: string): Promise<string> =>
  (await ok('exec', name, 'ip', '-4', '-o', 'address'))
    .split('\n')
    .map((line) => /(\S+) +inet (\S+)/.exec(line)?.slice(1).join(' ') ?? '')
    .filter((text) => !text.startsWith('lo '))
    .join(', ');
const fromWorld = async (port: number): Promise<string> =>
  (
    await engine.host.outside(['curl', '-s', '-m', '2', `http://${HOST_ADDRESS}:${String(port)}/`])
  ).stdout.trim();
/** Whether a new container in that network gets the page from there. */
const reaches = async (network: string, address: string, ...flags: readonly string[]): Promise<boolean> => {
  const wget = ['wget', '-q', '-T', '1', '-O', '-', `http://${address}/`];
  return (await minidock('run', '--rm', '--network', network, ...flags, 'test', ...wget)).exitCode === 0;
};
const serving = (address: string): Promise<string> =>
  engine.host.waitFor(async () => sh(`curl -s -m 1 http://${address}/ || :`), 'the server');
const shimsOf = (id: string): readonly number[] =>
  processesInside(engine.host.pid).filter((pid) => {
    try {
      return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes(`__shim\0{"id":"${id}`);
    } catch {
      return false;
    }
  });

describe('networks of the user', () => {
  beforeAll(async () => {
    for (const [name, subnet, ...flags] of NETWORKS)
      await ok('network', 'create', '--subnet', subnet, ...flags, name);
  });
  afterAll(async () => {
    await ok('network', 'rm', ...NETWORKS.map(([name]) => name));
  });

  describe.each(['nftables', 'iptables'])('with %s', (firewall) => {
    const by = ['--firewall', firewall];

    test('the way out and the ports follow the first network by name; what is not connected is not reached', async () => {
      await ok('run', '-d', '--name', 'web', '--network', 'bb', '-p', '8080:80', ...by, ...SERVER);
      await serving('10.10.0.2');
      expect(await reaches('aa', '10.9.0.2', ...by)).toBe(false);
      await ok('network', 'connect', '--ip', '10.9.0.77', 'aa', 'web');
      expect(await addresses('web')).toBe('eth0 10.10.0.2/24, eth1 10.9.0.77/24');
      expect((await routes('web')).split('\n')).toContain('default via 10.9.0.1 dev eth1');
      expect([await fromWorld(8080), await sh('curl -s http://127.0.0.1:8080/')]).toEqual([page, page]);
      expect(await reaches('aa', '10.9.0.77', ...by)).toBe(true);
      expect(await reaches('bb', '10.10.0.2', ...by)).toBe(true);
      expect(await reaches('bb', '10.9.0.77', ...by)).toBe(false);
      await ok('exec', 'web', 'ping', '-c1', '-W1', INTERNET_ADDRESS);
      await ok('network', 'disconnect', 'aa', 'web');
      expect(await addresses('web')).toBe('eth0 10.10.0.2/24');
      expect((await routes('web')).split('\n')[0]).toBe('default via 10.10.0.1 dev eth0');
      expect([await fromWorld(8080), await sh('curl -s http://127.0.0.1:8080/')]).toEqual([page, page]);
      expect(await reaches('aa', '10.9.0.77', ...by)).toBe(false);
      await ok('exec', 'web', 'ping', '-c1', '-W1', INTERNET_ADDRESS);
      expect(await ok('exec', 'web', 'cat', '/etc/hosts')).not.toContain('10.9.0.77');
      await ok('network', 'disconnect', 'bb', 'web');
      expect(await addresses('web')).toBe('');
      expect([await fromWorld(8080), await ok('port', 'web')]).toEqual(['', '']);
      await ok('network', 'connect', 'cc', 'web');
      expect(await addresses('web')).toBe('eth0 10.11.0.2/24');
      expect(await routes('web')).not.toContain('default');
      expect(await reaches('cc', '10.11.0.2', ...by)).toBe(true);
      // A container that has just ended may still have its cable, for as long as the kernel takes.
      await engine.host.waitFor(
        async () => (await minidock('doctor')).exitCode === 0,
        'doctor to find nothing',
      );
      await ok('rm', '-f', 'web');
      expect(await sh('nft list ruleset; iptables-save')).not.toMatch(/8080/);
      await engine.host.waitFor(async () => !(await sh('ip -o link')).includes('mdv'), 'cables to go');
    }, 120_000);

    test('each step that fails changes nothing', async () => {
      const id = await ok('run', '-d', '--name', 'web', '--network', 'bb', '-p', '8080:80', ...by, ...SERVER);
      await serving('10.10.0.2');
      const seen = async (): Promise<readonly string[]> => [
        await sh(`ip -n md-${id.slice(0, 12)} -4 -o address; ip -n md-${id.slice(0, 12)} route`),
        await sh(
          'nft -s list ruleset; iptables-save | grep -v "^[#:]"; ip -br link | grep mdv | cut -d @ -f 1',
        ),
        readFileSync(join(engine.host.runDir, 'containers', id, 'journal'), 'utf8'),
        readFileSync(join(engine.host.root, 'containers', id, 'state.json'), 'utf8'),
      ];
      for (const words of [
        ['connect', 'aa', 'web'],
        ['disconnect', 'aa', 'web'],
      ] as const) {
        const told = await ok('network', words[0], '--dry-run', '--explain=json', ...words.slice(1));
        const all = told.split('\n').map((line) => (JSON.parse(line) as StepObject).id);
        // The lease is the last to go, and removing a file of our own is no step that can be made to fail.
        const ids = all.filter((id) => id !== 'address.release');
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids.length).toBeGreaterThan(3);
        // One that is done and undone again leaves the same steps in the journal as it does here.
        await failAt(ids.at(-1) ?? '', 'network', ...words);
        const before = await seen();
        for (const step of ids) {
          const [exitCode, said] = outcome(await failAt(step, 'network', ...words));
          expect([exitCode, said.slice(0, step.length + 7)]).toEqual([1, `step ${step} (`]);
          expect(await seen()).toEqual(before);
        }
        expect(await fromWorld(8080)).toBe(page);
        await ok('network', ...words);
      }
    }, 180_000);
  });

  test('several networks at a start: addresses, aliases, names, priority of the way out', async () => {
    const long = 'name=aa,alias=x,alias=y,ip=10.9.0.50,mac-address=02:42:0a:09:00:99';
    await ok(
      'run',
      '-d',
      '--name',
      'web',
      '--network',
      'bb',
      '--network',
      long,
      '--network',
      'cc',
      ...SERVER,
    );
    expect(await addresses('web')).toBe('eth0 10.9.0.50/24, eth1 10.10.0.2/24, eth2 10.11.0.2/24');
    expect((await routes('web')).split('\n')[0]).toBe('default via 10.9.0.1 dev eth0');
    expect(await ok('exec', 'web', 'cat', '/sys/class/net/eth0/address')).toBe('02:42:0a:09:00:99');
    const names = '{{range $name, $one := .NetworkSettings.Networks}}{{$name}}={{$one.DNSNames}} {{end}}';
    const short = (await ok('inspect', '-f', '{{.Id}}', 'web')).slice(0, 12);
    expect(await ok('inspect', '-f', names, 'web')).toBe(
      `aa=[web x y ${short}] bb=[web ${short}] cc=[web ${short}] `,
    );
    expect(await ok('ps', '--format', '{{.Networks}}')).toBe('aa,bb,cc');
    for (const name of ['aa', 'bb', 'cc'])
      expect(await ok('ps', '-q', '--filter', `network=${name}`)).toBe(short);
    const inside = `{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}`;
    expect(await ok('network', 'inspect', '-f', inside, 'bb')).toBe('web 10.10.0.2/24');
    await ok('restart', '-t', '0', 'web');
    expect(await addresses('web')).toBe('eth0 10.9.0.50/24, eth1 10.10.0.2/24, eth2 10.11.0.2/24');
    await ok('rm', '-f', 'web');
    const flags = ['--network', 'aa', '--network', 'name=bb,gw-priority=5'];
    expect(await ok('run', '--rm', ...flags, 'test', 'ip', 'route')).toMatch(
      /^default via 10\.10\.0\.1 dev eth0/,
    );
  });

  test.each([
    [
      ['--network', 'name=aa,foo=bar'],
      'invalid argument "name=aa,foo=bar" for "--network" flag: invalid field key foo',
    ],
    [
      ['--network', 'alias=bar'],
      'invalid argument "alias=bar" for "--network" flag: network name/id is not specified',
    ],
    [['--network', 'aa', '--network', 'aa'], 'network "aa" is specified multiple times'],
    [
      ['--network', 'aa', '--network', 'host'],
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    ],
    [['--network', 'aa', '--network', 'nope'], 'network nope not found'],
    [['--network-alias', 'x'], 'network-scoped aliases are only supported for user-defined networks'],
    [
      ['--network', 'name=aa,alias=q', '--network-alias', 'x'],
      'conflicting options: cannot specify both --network-alias and per-network alias',
    ],
    [
      ['--network', 'name=aa,ip=10.9.0.9', '--ip', '10.9.0.8'],
      'conflicting options: cannot specify both --ip and per-network IPv4 address',
    ],
    [
      ['--network', 'name=aa,driver-opt=a'],
      'invalid argument "name=aa,driver-opt=a" for "--network" flag: invalid key value pair format in driver options',
    ],
    [['--link', 'nope'], 'could not get container for nope: No such container: nope'],
    [['--link', 'a:b:c'], 'invalid argument "a:b:c" for "--link" flag: bad format for links: a:b:c'],
    [['--network', 'host', '--link', 'web'], 'links are only supported for user-defined networks'],
  ])('run %j is refused in Docker’s words', async (flags, words) => {
    const [exitCode, said] = outcome(await minidock('run', '--rm', ...flags, 'test', 'true'));
    expect([exitCode, said]).toEqual([125, words]);
  });

  test('connect and disconnect are refused in Docker’s words', async () => {
    const id = await ok('run', '-d', '--name', 'web', '--network', 'aa', ...SERVER);
    expect(await refused('network', 'connect', 'aa', 'web')).toBe(
      'endpoint with name web already exists in network aa',
    );
    expect(await refused('network', 'connect', 'nope', 'web')).toBe('network nope not found');
    expect(await refused('network', 'connect', 'bb', 'nope')).toBe('No such container: nope');
    expect(await refused('network', 'connect', 'host', 'web')).toMatch(
      /^container cannot be disconnected from host/,
    );
    expect(await refused('network', 'connect', 'none', 'web')).toMatch(
      /^container cannot be connected to multiple/,
    );
    expect(await refused('network', 'connect', '--ip', '10.1.1.1', 'bb', 'web')).toMatch(
      /does not belong to any/,
    );
    expect(await refused('network', 'disconnect', 'bb', 'web')).toBe(
      `container ${id} is not connected to network bb`,
    );
    expect(await refused('network', 'disconnect', 'nope', 'web')).toBe('network nope not found');
    await ok('stop', '-t', '0', 'web');
    expect(await refused('network', 'disconnect', 'bb', 'web')).toBe(
      `container ${id} is not connected to the network bb`,
    );
    for (const [mode, words] of [
      ['host', /^container sharing network namespace/],
      ['none', /^container cannot be connected to multiple networks/],
    ] as const) {
      await ok('run', '-d', '--name', mode, '--network', mode, 'test', 'sleep', '100');
      expect(await refused('network', 'connect', 'aa', mode)).toMatch(words);
    }
  });

  test('of a container that does not run the next start goes by it', async () => {
    await ok('create', '--name', 'web', '--network', 'bb', '-p', '8080:80', ...SERVER);
    await ok('network', 'connect', '--alias', 'www', 'aa', 'web');
    await ok('network', 'disconnect', 'bb', 'web');
    await ok('start', 'web');
    expect(await addresses('web')).toBe('eth0 10.9.0.2/24');
    await serving('10.9.0.2');
    expect(await fromWorld(8080)).toBe(page);
    await ok('stop', '-t', '0', 'web');
    await ok('network', 'disconnect', 'aa', 'web');
    await ok('start', 'web');
    expect(await addresses('web')).toBe('');
    await ok('network', 'connect', 'bb', 'web');
    expect(await fromWorld(8080)).toBe(page);
  });

  test('the shim that does it is killed, early or late: the container has ended, and all is taken back', async () => {
    for (const wait of [0, 10, 25, 50]) {
      const id = await ok('run', '-d', '--name', 'web', '--network', 'bb', '-p', '8080:80', ...SERVER);
      const connecting = minidock('network', 'connect', 'aa', 'web');
      await new Promise((resolve) => setTimeout(resolve, wait));
      for (const pid of shimsOf(id)) killProcess(pid);
      await connecting;
      await engine.host.waitFor(
        async () => (await ok('inspect', '-f', '{{.State.Status}}', 'web')) === 'exited',
        'the container to be on record as ended',
      );
      await ok('rm', 'web');
      expect(await ok('network', 'inspect', '-f', '{{len .Containers}}', 'aa', 'bb')).toBe('0\n0');
      expect(await sh('nft list ruleset')).not.toContain('8080');
      await engine.host.waitFor(async () => !(await sh('ip -o link')).includes('mdv'), 'cables to go');
      expect(await ok('doctor')).toContain('no leftovers');
    }
  }, 120_000);

  test('--link: a line in /etc/hosts on the default network, a name in one of the user’s', async () => {
    await ok('run', '-d', '--name', 'db', 'test', 'sleep', '100');
    const address = await ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'db');
    const short = (await ok('inspect', '-f', '{{.Id}}', 'db')).slice(0, 12);
    expect(await engine.inside('cat /etc/hosts', '--link', 'db:database')).toContain(
      `${address}\tdatabase ${short} db\n`,
    );
    expect(await engine.inside('cat /etc/hosts', '--link', 'db')).toContain(`${address}\tdb ${short}\n`);
    await ok('create', '--name', 'lk', '--link', 'db:database', 'test', 'true');
    expect(await ok('inspect', '-f', '{{json .HostConfig.Links}}', 'lk')).toBe('["/db:/lk/database"]');
    await ok('create', '--name', 'own', '--network', 'aa', '--link', 'db:database', 'test', 'true');
    expect(await ok('inspect', '-f', '{{json .NetworkSettings.Networks.aa.Links}}', 'own')).toBe(
      '["db:database"]',
    );
    await ok('stop', '-t', '0', 'db');
    const [exitCode, said] = outcome(await minidock('start', 'lk'));
    expect([exitCode, said]).toEqual([1, 'Cannot link to a non running container: /db AS /lk/database']);
  });

  test('why goes by the network that two share; --script makes several cables', async () => {
    await ok('run', '-d', '--name', 'web', '--network', 'aa', '--network', 'bb', ...SERVER);
    await ok('run', '-d', '--name', 'client', '--network', 'bb', 'test', 'sleep', '100');
    await serving('10.10.0.2');
    const works = await ok('why', 'client', '->', 'web:80');
    expect(works).toContain('eth1 of web is up and has 10.10.0.2');
    expect(await ok('why', 'web', '->', '10.9.0.2:80')).toContain('it works');
    const short = (await ok('inspect', '-f', '{{.Id}}', 'web')).slice(0, 12);
    await sh(`ip -n md-${short} link set eth1 down`);
    const broken = await minidock('why', 'client', '->', 'web:80');
    expect([broken.exitCode, broken.stdout]).toEqual([1, expect.stringContaining('eth1 of web is down')]);
    const flags = ['--network', 'aa', '--network', 'name=bb,gw-priority=1', '--script'];
    const script = await ok('run', '--rm', ...flags, 'test', 'ip', 'route');
    const { stdout } = await succeed(engine.host.run(['bash', '-c', script]));
    expect(stdout).toMatch(/^default via 10\.10\.0\.1 dev eth0 *\n10\.9\.0\.0\/24 dev eth1 /);
  }, 120_000);

  test('a container that writes to its /etc/hosts as it likes is connected all the same', async () => {
    const id = await ok('run', '-d', '--name', 'web', '--network', 'bb', ...SERVER);
    const hosts = join(engine.host.root, 'containers', id, 'hosts');
    for (const script of [
      'head -c 3000000 /dev/zero >/etc/hosts',
      ': >/etc/hosts',
      'printf "1.2.3.4 mine" >/etc/hosts',
    ]) {
      await ok('exec', 'web', 'sh', '-c', script);
      const before = readFileSync(hosts);
      await ok('network', 'connect', 'aa', 'web');
      await ok('network', 'disconnect', 'aa', 'web');
      expect(readFileSync(hosts, 'utf8').trim()).toBe(before.toString().trim());
    }
  }, 120_000);

  test('names come and go with the networks, also where there was no resolver', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'db',
      '--network',
      'aa',
      '--network-alias',
      'store',
      'test',
      'sleep',
      '100',
    );
    await ok('run', '-d', '--name', 'web', 'test', 'sleep', '100');
    const finds = async (who: string, name: string): Promise<boolean> =>
      (await minidock('exec', who, 'ping', '-c1', '-W1', name)).exitCode === 0;
    expect(await ok('exec', 'web', 'cat', '/etc/resolv.conf')).not.toContain('127.0.0.11');
    await ok('network', 'connect', '--alias', 'www', 'aa', 'web');
    expect(await ok('exec', 'web', 'cat', '/etc/resolv.conf')).toContain('nameserver 127.0.0.11');
    expect([await finds('web', 'db'), await finds('web', 'store'), await finds('db', 'www')]).toEqual([
      true,
      true,
      true,
    ]);
    await ok('network', 'disconnect', 'aa', 'web');
    expect([await finds('web', 'db'), await finds('db', 'www')]).toEqual([false, false]);
    await ok('network', 'connect', 'aa', 'web');
    expect([await finds('web', 'db'), await finds('db', 'www'), await finds('db', 'web')]).toEqual([
      true,
      false,
      true,
    ]);
  }, 120_000);
});
