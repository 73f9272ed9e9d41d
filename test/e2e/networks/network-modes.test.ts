/** The network as `run` sets it up: modes, chosen addresses, published ports in all their forms, name servers. */
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS } from '../../support/host/host.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok, inside } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const SERVER = ['httpd', '-f', '-p', '80', '-h', '/www'];
const page = 'hello from the image\n';
const fetchPage = async (target: string, from: 'host' | 'outside' = 'host'): Promise<string> => {
  const argv = ['curl', '-s', '--noproxy', '*', '-m', '2', `http://${target}/`];
  return (await (from === 'host' ? engine.host.run(argv) : engine.host.outside(argv))).stdout;
};
const served = (target: string, from: 'host' | 'outside' = 'host'): Promise<string> =>
  engine.host.waitFor(() => fetchPage(target, from), `an answer of ${target}`);

describe('modes', () => {
  test('none: a loopback and nothing else, hosts file included', async () => {
    const script =
      'ip -o link | cut -d: -f2 | tr -d " "; ping -c1 -W1 127.0.0.1 >/dev/null && echo up; ip route | wc -l';
    expect(await inside(script, '--network', 'none')).toBe('lo\nup\n0');
  });

  test('host: the host’s own interfaces, name and ports', async () => {
    const id = await ok('run', '-d', '--network', 'host', 'test', ...SERVER);
    const pid = await ok('inspect', '-f', '{{.State.Pid}}', id);
    expect(readlinkSync(`/proc/${pid}/ns/net`)).toBe(readlinkSync(`/proc/${String(engine.host.pid)}/ns/net`));
    expect(await served('127.0.0.1')).toBe(page);
    const hostname = (await engine.host.run(['hostname'])).stdout.trim();
    expect(await ok('exec', id, 'hostname')).toBe(hostname);
    expect(await ok('exec', id, 'ip', '-o', '-4', 'address', 'show', 'eth0')).toContain(HOST_ADDRESS);
    const warned = await minidock('run', '--rm', '--network', 'host', '-p', '80:80', 'test', 'true');
    expect(warned).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'WARNING: Published ports are discarded when using host network mode\n',
    });
  });

  test('container: another container’s interfaces, ports, name and hosts file', async () => {
    const first = await ok('run', '-d', '--name', 'first', 'test', ...SERVER);
    const script = 'hostname; hostname -i; wget -q -O - http://127.0.0.1/; cat /etc/hosts | tail -1';
    const own = await ok('exec', 'first', 'hostname', '-i');
    const lines = (await inside(script, '--network', 'container:first')).split('\n');
    expect(lines.slice(0, 3)).toEqual([first.slice(0, 12), own, page.trim()]);
    expect(lines[3]).toContain(own);
    for (const flags of [
      ['-p', '80:80'],
      ['-h', 'x'],
    ]) {
      const { exitCode, stderr } = await minidock(
        'run',
        '--rm',
        '--network',
        'container:first',
        ...flags,
        'test',
        'true',
      );
      expect([exitCode, stderr]).toEqual([125, expect.stringContaining('conflicting options')]);
    }
  });

  test('container: one that holds a lease on its hosts file is a warning, and not waited for', async () => {
    const id = await ok('run', '-d', '--name', 'holder', 'test', 'sleep', '1000');
    const hosts = join(engine.host.root, 'containers', id, 'hosts');
    // F_SETLEASE of F_WRLCK. A program of the container's may do it as well, since the file is its user's.
    const script =
      '$SIG{IO} = "IGNORE"; open(F, "+<", $ARGV[0]) or die; fcntl(F, 1024, 1) or die; $| = 1; print "held\\n"; sleep 1000';
    const holder = engine.host.spawn(['perl', '-e', script, hosts]);
    try {
      await holder.waitForOutput(/held/);
      const limited = ['timeout', '-s', 'KILL', '20', binary];
      const { exitCode, stderr } = await engine.host.run([
        ...limited,
        ...['run', '--rm', '--network', 'container:holder', 'test', 'true'],
      ]);
      expect([exitCode, stderr]).toEqual([125, expect.stringContaining(`holds a lease on ${hosts}`)]);
    } finally {
      holder.kill();
      await holder.exited;
      await ok('rm', '-f', 'holder');
    }
  });
});

test('eth0 has one address: IPv6 is not routed, so there is none to be misled by', async () => {
  expect(await inside('ip -o -6 address show eth0')).toBe('');
  expect(await inside('ip -o -4 address show eth0 | wc -l')).toBe('1');
});

test('--ip and --mac-address; without them both are the host’s choice, and the one follows from the other', async () => {
  const script = 'hostname -i; cat /sys/class/net/eth0/address';
  expect(await inside(script, '--ip', '172.17.0.200', '--mac-address', '02:00:5e:00:53:01')).toBe(
    '172.17.0.200\n02:00:5e:00:53:01',
  );
  const [address = '', mac] = (await inside(script)).split('\n');
  const hex = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  expect(mac).toBe(['02', '42', ...hex].join(':'));
});

describe.each(['nftables', 'iptables'])('published ports, %s', (firewall) => {
  test('all forms, from the host, from outside, from a container, and the list of them', async () => {
    const flags = [
      '-p',
      '8080:80',
      '-p',
      '127.0.0.1:8081:80',
      '-p',
      '80',
      '-p',
      '9000-9001:80-81',
      '--firewall',
      firewall,
    ];
    await ok('run', '-d', '--name', 'web', ...flags, 'test', ...SERVER);
    const ports = (await ok('port', 'web')).split('\n');
    const random =
      ports
        .map((line) => /^80\/tcp -> 0\.0\.0\.0:(\d{5})$/.exec(line)?.[1])
        .find((port) => port !== undefined) ?? '';
    expect(ports.map((line) => line.replace(random, 'RANDOM')).sort()).toEqual([
      '80/tcp -> 0.0.0.0:8080',
      '80/tcp -> 0.0.0.0:9000',
      '80/tcp -> 0.0.0.0:RANDOM',
      '80/tcp -> 127.0.0.1:8081',
      '80/tcp -> [::]:8080',
      '80/tcp -> [::]:9000',
      '80/tcp -> [::]:RANDOM',
      '81/tcp -> 0.0.0.0:9001',
      '81/tcp -> [::]:9001',
    ]);
    for (const port of ['8080', '8081', '9000', random]) expect(await served(`127.0.0.1:${port}`)).toBe(page);
    for (const port of ['8080', '9000', random])
      expect(await served(`${HOST_ADDRESS}:${port}`, 'outside')).toBe(page);
    expect(await fetchPage(`${HOST_ADDRESS}:8081`, 'outside')).toBe('');
    expect(await inside(`wget -q -O - http://${HOST_ADDRESS}:8080/`)).toBe(page.trim());
    expect(await ok('exec', 'web', 'wget', '-q', '-O', '-', `http://${HOST_ADDRESS}:8080/`)).toBe(
      page.trim(),
    );
    await ok('rm', '-f', 'web');
    expect(await fetchPage('127.0.0.1:8080')).toBe('');
  });

  test('-P publishes what the image exposes', async () => {
    await ok(
      'run',
      '-d',
      '--name',
      'web',
      '-P',
      '--firewall',
      firewall,
      '--entrypoint',
      'sh',
      '-u',
      '0',
      'configured',
      '-c',
      SERVER.join(' '),
    );
    expect(await ok('port', 'web')).toMatch(
      /^53\/udp -> 0\.0\.0\.0:(\d+)\n53\/udp -> \[::\]:\1\n80\/tcp -> 0\.0\.0\.0:(\d+)\n80\/tcp -> \[::\]:\2$/,
    );
    const [address = ''] = (await ok('port', 'web', '80')).split('\n');
    expect(await served(address.replace('0.0.0.0', '127.0.0.1'))).toBe(page);
    await ok('rm', '-f', 'web');
  });
});

test('the world is reached from a container, under the host’s address', async () => {
  const seen = engine.host.spawn(
    [
      process.execPath,
      '-e',
      "require('node:http').createServer((q, r) => r.end(q.socket.remoteAddress)).listen(80, '198.51.100.10', () => console.log('listening'))",
    ],
    'outside',
  );
  await seen.waitForOutput(/listening/);
  expect(await inside('wget -q -O - http://198.51.100.10/')).toBe(HOST_ADDRESS);
  seen.kill();
  await seen.exited;
});

test('a name server on the host’s loopback is of no use inside: the real one behind it is taken, or a public one', async () => {
  const etc = join(engine.host.dir, 'resolv');
  const bind = (text: string): Promise<unknown> => {
    writeFileSync(etc, text);
    return engine.host.run([
      'bash',
      '-c',
      `umount /etc/resolv.conf 2>/dev/null; mount --bind ${etc} /etc/resolv.conf`,
    ]);
  };
  try {
    await bind('nameserver 203.0.113.7\nsearch example.org\noptions ndots:3\n');
    expect(await inside('cat /etc/resolv.conf')).toMatch(
      /nameserver 203\.0\.113\.7\n[\s\S]*search example\.org\n[\s\S]*options ndots:3/,
    );
    await bind('nameserver 127.0.0.1\n');
    const text = await inside('cat /etc/resolv.conf');
    expect(text).not.toMatch(/nameserver 127\./);
    expect(text).toMatch(/^nameserver \d/m);
    await engine.host.run([
      'bash',
      '-c',
      'mkdir -p /run/systemd/resolve; echo nameserver 203.0.113.8 >/run/systemd/resolve/resolv.conf',
    ]);
    await bind('nameserver 127.0.0.53\n');
    expect(await inside('cat /etc/resolv.conf')).toMatch(/^nameserver 203\.0\.113\.8$/m);
    expect(await inside('cat /etc/resolv.conf', '--network', 'host')).toMatch(/^nameserver 127\.0\.0\.53$/m);
  } finally {
    await engine.host.run(['umount', '/etc/resolv.conf']);
  }
});
