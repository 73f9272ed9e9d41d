/** `graph` against the kernel's own words: what ip shows is in the picture, and what notes have wrong is said. */
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Interface, Model } from '../../../src/diagnose/graph/model.ts';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';

const engine = useEngine();
const program = join(import.meta.dirname, '../../../dist/minidock');

const sh = async (...argv: readonly string[]): Promise<string> =>
  (await succeed(engine.host.run(argv))).stdout;
const ip = (...words: readonly string[]): Promise<string> => sh('ip', ...words);
const model = async (): Promise<Model> => JSON.parse(await engine.ok('graph', '--format', 'json')) as Model;
const start = (name: string, ...flags: readonly string[]): Promise<string> =>
  engine.ok('run', '-d', '--name', name, ...flags, 'test', 'sleep', '1000');
const veth = async (name: string): Promise<string> =>
  engine.ok('inspect', '--host', '-f', '{{range .Cables}}{{.HostName}}{{end}}', name);
const picture = async (...flags: readonly string[]): Promise<string> =>
  (await succeed(engine.host.run([program, 'graph', ...flags], { env: { LANG: 'C.UTF-8', COLUMNS: '100' } })))
    .stdout;

interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly link_index?: number;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

async function expectAsIpSays(
  interfaces: readonly Interface[] | undefined,
  where: readonly string[],
): Promise<void> {
  const links = JSON.parse(await ip(...where, '-j', '-d', 'address', 'show')) as readonly IpLink[];
  expect(
    interfaces?.map(({ index, name, addresses, peerIndex }) => [index, name, addresses, peerIndex]),
  ).toEqual(
    links.map(({ ifindex, ifname, addr_info, link_index }) => [
      ifindex,
      ifname,
      addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
      link_index,
    ]),
  );
}

describe('the kernel', () => {
  test('names, indexes and addresses are those of ip, here and in a container; the cable joins them', async () => {
    const id = await start('web', '-p', '8080:80');
    const { here, namespaces, cables, published } = await model();
    const own = namespaces.find(({ label }) => label === 'web');
    await expectAsIpSays(namespaces.find(({ inode }) => inode === here)?.interfaces, []);
    await expectAsIpSays(own?.interfaces, ['-n', `md-${id.slice(0, 12)}`]);
    const eth0 = own?.interfaces.find(({ name }) => name === 'eth0');
    const ends = [
      { inode: here, index: eth0?.peerIndex },
      { inode: own?.inode, index: eth0?.index },
    ];
    expect(cables.map(({ a, b }) => [a, b].sort((one) => (one?.inode === here ? -1 : 1)))).toContainEqual(
      ends,
    );
    expect(published.map(({ port, toAddress, toPort }) => `${port} ${toAddress}:${toPort}`)).toEqual([
      `8080 ${eth0?.addresses[0]?.split('/')[0] ?? ''}:80`,
    ]);
  });

  test('what someone else attached: a named namespace, another bridge, a cable between two others', async () => {
    for (const name of ['red', 'blue']) await ip('netns', 'add', name);
    try {
      await ip('link', 'add', 'br7', 'type', 'bridge');
      await ip('link', 'add', 'tor', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'red');
      await ip('link', 'set', 'tor', 'master', 'br7');
      await ip('-n', 'red', 'link', 'add', 'side', 'type', 'veth', 'peer', 'name', 'side', 'netns', 'blue');
      // The same indexes at both ends of two cables: only the kernel's numbers tell which belongs to which.
      await ip(
        'link',
        'add',
        'x1',
        'index',
        '77',
        'type',
        'veth',
        'peer',
        'name',
        'y',
        'netns',
        'blue',
        'index',
        '78',
      );
      const { here, namespaces, cables } = await model();
      const inodeOf = (label: string): number | undefined =>
        namespaces.find((namespace) => namespace.label === label)?.inode;
      const named = cables.map(({ a, b }) =>
        [a, b]
          .map((end) => {
            const owner = namespaces.find(({ inode }) => inode === end?.inode);
            const name = owner?.interfaces.find(({ index }) => index === end?.index)?.name ?? '?';
            return `${owner?.inode === here ? 'here' : (owner?.label ?? '?')}/${name}`;
          })
          .sort()
          .join(' '),
      );
      expect(named).toEqual(
        expect.arrayContaining(['here/tor red/eth0', 'blue/side red/side', 'blue/y here/x1']),
      );
      expect([inodeOf('red'), inodeOf('blue')]).not.toContain(undefined);
      const text = await picture('--brief');
      expect(text).toMatch(/ red .*net:\[\d+\]/);
      expect(text).toMatch(/br7 #\d+[\s\S]*└ tor #\d+/);
    } finally {
      for (const name of ['red', 'blue']) await ip('netns', 'delete', name);
      await ip('link', 'delete', 'br7');
    }
  });

  test('names with quotes, brackets and control characters: nothing is lost, and no cursor moved', async () => {
    const names = ["it's", 'a"b', '<i>', 'x]|y', 'esc\x1b[31m', '漢字'];
    for (const [i, name] of names.entries()) {
      await ip('link', 'add', name, 'type', 'veth', 'peer', 'name', `peer${i}`);
    }
    await ip('netns', 'add', 'n\x1b[31m');
    const text = await picture('--brief', '--all');
    for (const shown of ["it's", 'a"b', '<i>', 'x]|y', 'esc\\x1b[31m', 'n\\x1b[31m', '??', 'eth0 #']) {
      expect(text).toContain(shown);
    }
    for (const format of ['text', 'mermaid', 'dot', 'svg']) {
      expect(await picture('--format', format)).not.toContain('\x1b');
    }
    // Its right border is one line.
    expect(new Set(text.match(/^║[^║╟]*[║╟]/gm)?.map(({ length }) => length)).size).toBe(1);
    expect(await engine.ok('doctor')).toContain('All is well.');
    for (const i of names.keys()) await ip('link', 'delete', `peer${i}`);
    await ip('netns', 'delete', 'n\x1b[31m');
  });

  test('a namespace that no cable leads to is drawn with --all alone', async () => {
    await ip('netns', 'add', 'apart');
    expect(await picture()).not.toContain(' apart ');
    expect(await picture()).toMatch(/other network namespaces? .* --all/);
    expect(await picture('--all')).toContain(' apart ');
    await ip('netns', 'delete', 'apart');
  });

  test("a bridge has its network's name, another MTU than the usual one and its routes", async () => {
    await start('web');
    await ip('link', 'set', 'minidock0', 'mtu', '1400');
    await ip('route', 'add', '10.9.0.0/16', 'via', '172.17.0.9');
    const text = await picture('--brief');
    expect(text).toMatch(/minidock0 .* bridge {2}mtu 1400/);
    expect(text).toContain('10.9.0.0/16 via 172.17.0.9');
    await ip('route', 'delete', '10.9.0.0/16');
    await ip('link', 'set', 'minidock0', 'mtu', '1500');
  });

  test('containers of another root are no disagreement', async () => {
    await start('web', '-p', '8080:80');
    const { stdout } = await engine.host.run([program, 'graph'], {
      env: { MINIDOCK_ROOT: `${engine.host.dir}/other`, MINIDOCK_RUN: `${engine.host.dir}/other-run` },
    });
    expect(stdout).not.toContain('disagree');
    expect(stdout).toContain('172.17.0.2');
  });

  test('a namespace that containers share has the names of all, and a path to each', async () => {
    await start('web', '-p', '8080:80');
    await engine.ok('run', '-d', '--name', 'guest', '--network', 'container:web', 'test', 'sleep', '77');
    const text = await picture();
    expect(text).toMatch(/ web \+ guest /);
    expect(text).toMatch(/8080 → 172\.17\.0\.2:80 web +║/);
    expect(text).toMatch(/pid \d+ sleep 1000[\s\S]*pid \d+ sleep 77/);
    expect(await picture('--mark', 'web')).toMatch(/process \d+ \(sleep 1000\)/);
    expect(await picture('--mark', 'guest')).toMatch(/process \d+ \(sleep 77\)/);
    await engine.ok('rm', '-f', 'guest');
  });

  test('from inside another namespace that one is the host', async () => {
    const id = await start('web');
    const inside = await succeed(
      engine.host.inNetns(`md-${id.slice(0, 12)}`, [program, 'graph', '--format', 'json']),
    );
    const { here, namespaces, disagreements } = JSON.parse(inside.stdout) as Model;
    const own = namespaces.find(({ inode }) => inode === here);
    expect(own?.interfaces.map(({ name }) => name)).toEqual(['lo', 'eth0']);
    expect(namespaces.some(({ interfaces }) => interfaces.some(({ name }) => name === 'minidock0'))).toBe(
      true,
    );
    // Of containers that were started elsewhere, what is missing here says nothing.
    expect(disagreements).toEqual([]);
  });
});

describe('notes and kernel disagree', () => {
  test('nothing is said while they agree', async () => {
    await start('web', '-p', '8080:80', '-p', '127.0.0.1:8081:81');
    await start('alone', '--network', 'none');
    await start('same', '--network', 'host');
    expect((await model()).disagreements).toEqual([]);
  });

  test('a cable that was cut, an address changed, a rule taken away, one that is in the way', async () => {
    await start('cut');
    const id = await start('web', '-p', '8080:80');
    const cable = await veth('cut');
    await ip('link', 'delete', cable);
    await ip('-n', `md-${id.slice(0, 12)}`, 'address', 'flush', 'dev', 'eth0');
    await sh('nft', 'delete', 'element', 'ip', 'minidock', 'published', '{ tcp . 8080 }');
    await sh('nft', 'add', 'element', 'ip', 'minidock', 'published', '{ tcp . 99 : 172.31.9.9 . 99 }');
    const told = (await model()).disagreements;
    await sh('nft', 'delete', 'element', 'ip', 'minidock', 'published', '{ tcp . 99 }');
    expect(told).toEqual([
      expect.stringMatching(/^web: eth0 should have [\d.]+, but has no address$/),
      'web: published port 8080/tcp has no rule in the firewall: nothing redirects it',
      `cut: the host's end of its cable, ${cable}, is gone`,
      'cut: there is no eth0 in its namespace',
      'port 99/tcp is redirected to 172.31.9.9:99, and no container of this root has that address',
    ]);
  });

  test('rules that were flushed, though elements of their maps are there', async () => {
    await start('web', '-p', '8080:80');
    await sh('nft', 'flush', 'chain', 'ip', 'minidock', 'publish');
    const { disagreements, published } = await model();
    expect(published).toEqual([]);
    expect(disagreements).toEqual([
      'web: published port 8080/tcp has no rule in the firewall: nothing redirects it',
    ]);
    await engine.ok('doctor', '--fix');
    expect((await model()).disagreements).toEqual([]);
  });

  test('a link that is down, or in no bridge any more', async () => {
    await start('web');
    const cable = await veth('web');
    await ip('link', 'set', cable, 'nomaster', 'down');
    expect((await model()).disagreements).toEqual([
      `web: ${cable} is not a port of minidock0`,
      `web: ${cable} is down`,
    ]);
    expect(await picture()).toContain(`! web: ${cable} is down`);
  });
});

describe('formats', () => {
  const missing = (tool: string): string =>
    spawnSync(tool, ['-V']).error === undefined ? '' : `no ${tool} here`;

  testUnless(missing('dot'), 'dot is drawn by Graphviz', async () => {
    await start('web', '-p', '8080:80');
    const dot = await picture('--format', 'dot', '--mark', 'web');
    const { stdout } = await succeed(engine.host.run(['dot', '-Tsvg'], { input: dot }));
    expect(stdout).toContain('minidock0');
    expect(stdout).toContain('8080/tcp');
  });

  testUnless(missing('python3'), 'SVG is XML', async () => {
    await start('web', '-p', '8080:80');
    const svg = await picture('--format', 'svg', '--mark', 'web');
    const parse = 'import sys, xml.etree.ElementTree as e; print(e.fromstring(sys.stdin.read()).tag)';
    const { stdout } = await succeed(engine.host.run(['python3', '-c', parse], { input: svg }));
    expect(stdout.trim()).toBe('{http://www.w3.org/2000/svg}svg');
  });

  test('ASCII where the locale is not UTF-8; a marked path in words', async () => {
    await start('web', '-p', '8080:80');
    const run = await succeed(
      engine.host.run([program, 'graph', '--mark', 'web'], { env: { LANG: 'C', LC_ALL: '' } }),
    );
    expect(run.stdout).not.toMatch(/[^\n\x20-\x7e]/);
    expect(run.stdout.replace(/\s+/g, ' ')).toContain('(8080/tcp becomes 172.17.0.2:80) > routing > forward');
  });

  test('without ip there is no picture, and why is said', async () => {
    const { stdout, stderr, exitCode } = await engine.host.run(['env', 'PATH=/nowhere', program, 'graph']);
    expect([stdout, exitCode]).toEqual(['', 125]);
    expect(stderr).toContain('ip: command not found');
  });

  test('--watch draws again when the kernel reports a change, and leaves no monitor behind', async () => {
    const watching = engine.host.spawn([program, 'graph', '--watch', '--brief', '--all']);
    await watching.waitForOutput(/this host/);
    await ip('netns', 'add', 'seen');
    await watching.waitForOutput(/ seen /);
    await sh('nft', 'add', 'table', 'ip', 'by_hand');
    await sh('nft', 'add', 'chain', 'ip', 'by_hand', 'c', '{ type nat hook prerouting priority 0 ; }');
    await sh('nft', 'add', 'rule', 'ip', 'by_hand', 'c', 'tcp', 'dport', '4242', 'dnat', 'to', '10.9.9.9:1');
    await watching.waitForOutput(/4242/);
    watching.kill('SIGTERM');
    await watching.exited;
    await sh('nft', 'delete', 'table', 'ip', 'by_hand');
    await ip('netns', 'delete', 'seen');
    await engine.expectClean();
  });
});
