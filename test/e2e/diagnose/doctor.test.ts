/** `doctor`: each kind of trouble is made in the kernel or on disk, found, named, and mended if it is minidock's own. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { processesInside } from '../../support/host/host-cleanup.ts';
import { succeed } from '../../support/images/image.ts';
import { killProcess } from '../../support/host/processes.ts';

const engine = useEngine({ iptables: true });
const { minidock, ok } = engine;

interface Finding {
  readonly id: string;
  readonly level: string;
  readonly what: string;
  readonly todo: readonly string[];
  readonly mendable: boolean;
}

interface Report {
  readonly exitCode: number | null;
  readonly bad: readonly Finding[];
  readonly all: readonly Finding[];
  readonly mended: readonly {
    readonly id: string;
    readonly commands: readonly string[];
    readonly error: string | null;
  }[];
}

async function examine(...flags: readonly string[]): Promise<Report> {
  const { exitCode, stdout } = await minidock('doctor', '--json', ...flags);
  const { findings, mended } = JSON.parse(stdout) as { findings: Finding[]; mended: Report['mended'] };
  return { exitCode, all: findings, bad: findings.filter(({ level }) => level !== 'ok'), mended };
}

const sh = (script: string): Promise<string> =>
  succeed(engine.host.run(['bash', '-euc', script])).then(({ stdout }) => stdout.trim());

/** The one trouble there is, by id; mended by --fix, after which all is well. */
async function findAndMend(id: RegExp): Promise<Finding> {
  const before = await examine();
  expect(before.bad.map((finding) => finding.id)).toEqual([expect.stringMatching(id)]);
  expect([before.exitCode, before.bad[0]?.mendable]).toEqual([1, true]);
  const after = await examine('--fix');
  expect(after.bad).toEqual([]);
  expect(after.mended).toEqual([expect.objectContaining({ id: before.bad[0]?.id, error: null })]);
  const commands = after.mended[0]?.commands ?? [];
  expect(commands.length).toBeGreaterThan(0);
  // What is left of a container is taken away as it says; rules are put back as far as they are still missing.
  if (id.source.startsWith('^leftovers')) expect(commands).toEqual(before.bad[0]?.todo);
  expect(after.exitCode).toBe(0);
  return before.bad[0] as Finding;
}

/** The one trouble there is, which is somebody else's: named, left alone. */
async function findAlone(id: RegExp): Promise<Finding> {
  for (const flags of [[], ['--fix']]) {
    const { bad, exitCode, mended } = await examine(...flags);
    expect(bad.map((finding) => finding.id)).toEqual([expect.stringMatching(id)]);
    expect([exitCode, bad[0]?.mendable, mended]).toEqual([1, false, []]);
  }
  return (await examine()).bad[0] as Finding;
}

test('a healthy host: 0, every area is looked at, and looking changes nothing', async () => {
  const before = await engine.host.snapshot();
  const { exitCode, stdout, stderr } = await minidock('doctor');
  expect([exitCode, stderr]).toEqual([0, '']);
  for (const area of ['kernel', 'tools', 'network', 'firewall', 'ports', 'leftovers', 'disk'])
    expect(stdout).toMatch(new RegExp(`^${area}$`, 'm'));
  for (const word of [
    'overlayfs',
    'seccomp',
    'mount_setattr',
    'nftables',
    'iptables',
    'cgroup',
    'nft 1',
    'ip 6',
  ])
    expect(stdout).toContain(word.replace('cgroup', 'control groups'));
  expect(stdout).toContain('All is well.');
  expect(stdout).not.toContain('\x1b');
  expect(await engine.host.snapshot()).toEqual(before);
});

test('a host with containers is as healthy, and says who reaches their ports', async () => {
  await ok('run', '-d', '--name', 'open', '-p', '8080:80', 'test', 'sleep', '100');
  await ok(
    'run',
    '-d',
    '--name',
    'shut',
    '-p',
    '127.0.0.1:8081:80',
    '--firewall',
    'iptables',
    'test',
    'sleep',
    '100',
  );
  const { bad, all, exitCode } = await examine();
  expect([bad, exitCode]).toEqual([[], 0]);
  const said = all.filter(({ id }) => id.startsWith('ports.')).map(({ what }) => what);
  expect(said).toContain('0.0.0.0:8080/tcp is 80 of open, open to everyone who reaches 192.0.2.2');
  expect(said).toContain('127.0.0.1:8081/tcp is 80 of shut, only for this host');
});

describe('leftovers', () => {
  const id = 'ab'.repeat(32);
  const groups = '/sys/fs/cgroup';

  test('a namespace', async () => {
    await sh(`ip netns add md-${id.slice(0, 12)}`);
    const { todo } = await findAndMend(/^leftovers\.netns:md-abababababab$/);
    expect(todo).toEqual(['ip netns delete md-abababababab']);
    expect(await sh('ip netns list')).toBe('');
  });

  // By a process of the host, and by root in a container, which even holds a lock of that name.
  test('a process that only says it is a shim keeps nothing', async () => {
    const request = JSON.stringify({ id });
    await sh(`mkdir ${engine.host.dir}/liar; echo 'read line' >${engine.host.dir}/liar/__shim`);
    const liar = engine.host.spawn(['sh', '-c', `cd ${engine.host.dir}/liar && exec sh __shim '${request}'`]);
    const lock = `/containers/${id}/lock`;
    const script = `mkdir -p /containers/${id}; exec 9>${lock}; flock 9; echo 'sleep 1000; :' >/__shim; cd /; exec sh __shim '${request}'`;
    await ok('run', '-d', '--name', 'liar', 'test', 'sh', '-c', script);
    const lies = async (): Promise<boolean> =>
      (await sh(`grep -lz '^__shim$' /proc/[0-9]*/cmdline | xargs grep -lz ${id} | wc -l`)) === '2';
    await engine.host.waitFor(lies, 'both to have that command line');
    await sh(`ip netns add md-${id.slice(0, 12)}`);
    await findAndMend(/^leftovers\.netns:md-abababababab$/);
    await ok('rm', '-f', 'liar');
    liar.kill();
    await liar.exited;
  });

  test('a cable', async () => {
    await sh('ip link add mdvabababab0001 type veth peer name other0');
    const { todo } = await findAndMend(/^leftovers\.link:mdvabababab0001$/);
    expect(todo).toEqual(['ip link delete mdvabababab0001']);
    expect(await sh('ip -o link')).not.toContain('mdvabab');
  });

  test('published ports, of nftables and of iptables; the command named works too', async () => {
    const { subnet } = JSON.parse(readFileSync(join(engine.host.root, 'networks/bridge.json'), 'utf8')) as {
      subnet: string;
    };
    const address = subnet.replace(/0\.0\/16$/, '9.9');
    const make = `nft add element ip minidock published '{ tcp . 8099 : ${address} . 80 }'`;
    await sh(make);
    const { todo } = await findAndMend(/^leftovers\.port:tcp:8099$/);
    await sh(`${make}; ${todo[0] ?? ''}`);
    expect(await sh('nft list map ip minidock published')).not.toContain('elements');
    await sh(`iptables -t nat -A MINIDOCK -p udp --dport 53 -j DNAT --to-destination ${address}:53`);
    await findAndMend(/^leftovers\.port:udp:53$/);
    expect(await sh('iptables -t nat -S MINIDOCK')).not.toContain('DNAT');
  });

  test('a control group, in each tree', async () => {
    await sh(`for tree in $(find ${groups} -type d -name minidock); do mkdir $tree/${id}; done`);
    const { bad } = await examine();
    expect(bad.length).toBeGreaterThan(0);
    expect(bad.every((finding) => finding.id.startsWith('leftovers.cgroup:'))).toBe(true);
    expect((await examine('--fix')).exitCode).toBe(0);
    expect(await sh(`find ${groups} -type d -name '${id}'`)).toBe('');
  });

  test('a mount', async () => {
    const path = join(engine.host.root, 'containers', `.removing-${id}`, 'merged');
    mkdirSync(path, { recursive: true });
    await sh(`mount -t tmpfs none ${path}`);
    // Nor does it keep other commands from their work.
    await ok('run', '--rm', 'test', 'true');
    const { bad } = await examine();
    expect(bad.map((finding) => finding.id)).toEqual([
      `leftovers.mount:${path}`,
      `leftovers.directory:.removing-${id}`,
    ]);
    expect((await examine('--fix')).exitCode).toBe(0);
    expect(await sh('cat /proc/mounts')).not.toContain(id);
    expect(existsSync(join(path, '..'))).toBe(false);
  });

  test('a name and an address that are kept for nobody', async () => {
    writeFileSync(join(engine.host.root, 'names/gone'), id);
    await findAndMend(/^leftovers\.name:gone$/);
    const { id: network } = JSON.parse(
      readFileSync(join(engine.host.root, 'networks/bridge.json'), 'utf8'),
    ) as {
      id: string;
    };
    writeFileSync(join(engine.host.runDir, 'leases', network, '172.17.0.77'), id);
    await findAndMend(/^leftovers\.lease:172\.17\.0\.77$/);
    // For people the commands stand below what they have mended.
    writeFileSync(join(engine.host.root, 'names/gone'), id);
    const { stdout } = await minidock('doctor', '--fix');
    expect(stdout).toContain(
      `repaired  the name gone is reserved for a container that is gone\n        $ rm ${engine.host.root}/names/gone\n`,
    );
  });

  test('a container whose shim was killed is one trouble, whatever it still holds', async () => {
    const lost = await ok('run', '-d', '--name', 'lost', '-p', '8080:80', 'test', 'sleep', '1000');
    for (const pid of processesInside(engine.host.pid)) {
      const command = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
      if (command.includes(`"id":"${lost}"`)) killProcess(pid);
    }
    const { todo } = await findAndMend(new RegExp(`^leftovers.container:${lost.slice(0, 12)}$`));
    expect(todo.join('\n')).toContain(`ip netns delete md-${lost.slice(0, 12)}`);
    expect(await ok('inspect', '-f', '{{.State.Status}}', 'lost')).toBe('exited');
  });
});

describe('what a running container needs', () => {
  const serve = ['test', 'httpd', '-f', '-p', '80', '-h', '/www'];
  const page = async (): Promise<string> =>
    (await engine.host.outside(['curl', '-s', '-m', '2', 'http://192.0.2.2:8080/'])).stdout;

  test.each([
    ['nftables', 'nft flush ruleset'],
    // Chains and elements stay, and so does what a start looks for.
    ['nftables', 'nft flush table ip minidock'],
    ['nftables', 'nft flush chain ip minidock prerouting'],
    ['iptables', 'nft flush ruleset'],
    // What every tutorial begins with: the chains stay.
    ['iptables', 'iptables -F; iptables -t nat -F'],
    [
      'iptables',
      'iptables -t raw -F; iptables -F FORWARD; iptables -F MINIDOCK-INBOUND; iptables -t nat -F OUTPUT; iptables -t nat -F PREROUTING',
    ],
    ['iptables', 'iptables -t nat -F PREROUTING'],
  ])('rules of %s are put back after %s', async (firewall, trouble) => {
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', '--firewall', firewall, ...serve);
    await engine.host.waitFor(async () => (await page()) !== '', 'the page');
    // Another of the same network lacks the same, and is given nothing twice.
    await ok('run', '-d', '--name', 'web2', '--firewall', firewall, ...serve);
    await sh(trouble);
    expect(await page()).toBe('');
    const before = (await examine()).bad.map(({ id }) => id);
    expect(before).toEqual(expect.arrayContaining(['network.missing:web']));
    const { bad, mended } = await examine('--fix');
    expect(mended).toEqual(before.map((id) => expect.objectContaining({ id, error: null })));
    // What was put back for the first is not said to have been done for the second.
    const run = mended.flatMap(({ commands }) => commands);
    expect(run.length).toBeGreaterThan(0);
    // A script of nft empties the table first, and may come twice.
    if (firewall === 'iptables') expect(new Set(run).size).toBe(run.length);
    expect(bad).toEqual([]);
    const rules = (await sh('iptables-save')).split('\n').filter((line) => line.startsWith('-A '));
    expect(new Set(rules).size).toBe(rules.length);
    expect(await page()).toBe('hello from the image\n');
    await ok('rm', '-f', 'web', 'web2');
    // As the other tests of this file found it.
    await ok('run', '--rm', 'test', 'true');
    await ok('run', '--rm', '--firewall', 'iptables', 'test', 'true');
  });

  test('forwarding, the bridge’s address, a cable that is down', async () => {
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', ...serve);
    const veth = (await sh("ip -o link | grep -o 'mdv[0-9a-f]*'")).split('\n')[0] ?? '';
    await engine.host.waitFor(async () => (await page()) !== '', 'the page');
    await sh('echo 0 >/proc/sys/net/ipv4/ip_forward');
    await findAndMend(/^network\.forwarding$/);
    for (const trouble of [
      `ip link set ${veth} down`,
      `ip link set ${veth} nomaster`,
      'ip link set minidock0 down',
      'ip address flush dev minidock0',
      'echo 0 >/proc/sys/net/ipv4/conf/minidock0/route_localnet',
    ]) {
      await sh(trouble);
      await findAndMend(/^network\.missing:web$/);
      await engine.host.waitFor(async () => (await page()) !== '', `the page after ${trouble}`);
    }
  });

  test('a cable that is gone is named: only a restart makes a new one', async () => {
    await ok('run', '-d', '--name', 'web', ...serve);
    await sh("ip link delete $(ip -o link | grep -o 'mdv[0-9a-f]*' | head -1)");
    const { todo } = await findAlone(/^network\.cable:web$/);
    expect(todo).toEqual(['minidock restart web']);
    await ok('restart', '-t', '0', 'web');
    expect((await examine()).exitCode).toBe(0);
  });
});

describe('others', () => {
  test('a route into the subnet, of a VPN', async () => {
    await sh(
      'ip link add vpn0 type veth peer name vpn1; ip link set vpn1 up; ip link set vpn0 up; ip route add 172.17.128.0/20 dev vpn0',
    );
    const { what } = await findAlone(/^network\.subnet:bridge:172\.17\.128\.0\/20$/);
    expect(what).toContain('172.17.0.0/16 of minidock0 overlaps 172.17.128.0/20, routed to vpn0');
    await sh('ip link delete vpn0');
  });

  test('another root on the same bridge; its containers are not taken for leftovers', async () => {
    const binary = join(import.meta.dirname, '../../../dist/minidock');
    const other = [binary, '--root', `${engine.host.dir}/other`, '--run', `${engine.host.dir}/other-run`];
    await sh(`mkdir -p ${engine.host.dir}/other; cp -a ${engine.host.root}/images ${engine.host.dir}/other/`);
    await succeed(
      engine.host.run([...other, 'run', '-d', '--name', 'else', '-p', '8082:80', 'test', 'sleep', '100']),
    );
    const { what } = await findAlone(/^network\.shared:bridge$/);
    expect(what).toContain('172.18.0.1/16');
    await succeed(engine.host.run([...other, 'exec', 'else', 'true']));
    await succeed(engine.host.run([...other, 'rm', '-f', 'else']));
    await sh(`ip address del 172.18.0.1/16 dev minidock0
      nft delete element ip minidock subnets '{ 172.18.0.0/16 }'
      nft delete element ip minidock homes '{ 172.18.0.0/16 . "minidock0" }'`);
    expect((await examine()).exitCode).toBe(0);
  });

  test('a firewall that drops what is forwarded; what to type does help', async () => {
    await sh(
      "nft -f - <<<'table inet strict { chain onward { type filter hook forward priority 10; policy drop; }; }'",
    );
    const { what, todo } = await findAlone(/^firewall\.chain:inet:strict:onward$/);
    expect(what).toContain('chain onward of table inet strict drops');
    const ping = ['run', '--rm', 'test', 'ping', '-c1', '-W1', '198.51.100.10'];
    expect((await minidock(...ping)).exitCode).toBe(1);
    await sh(todo.join('\n'));
    expect((await minidock(...ping)).exitCode).toBe(0);
    expect((await examine()).exitCode).toBe(0);
    await sh('nft delete table inet strict');
  });

  test('ufw: a port published past it is a surprise, and said', async () => {
    await sh('iptables -N ufw-before-forward; iptables -P FORWARD DROP');
    expect((await examine()).bad.map(({ id }) => id)).toEqual(['firewall.ufw']);
    await ok('run', '-d', '--name', 'web', '-p', '8080:80', '--firewall', 'iptables', 'test', 'sleep', '100');
    const { exitCode, stdout } = await engine.host.run([
      'env',
      'MINIDOCK_FIREWALL=iptables',
      join(import.meta.dirname, '../../../dist/minidock'),
      'doctor',
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(
      /warning {2}0\.0\.0\.0:8080\/tcp is 80 of web, open to everyone .*although ufw is on/,
    );
    await sh('iptables -P FORWARD ACCEPT; iptables -X ufw-before-forward');
  });

  test('a tool that is missing, with its package', async () => {
    const bin = join(engine.host.dir, 'bin');
    await sh(
      `mkdir ${bin}; for tool in unshare ip nft mount sh modprobe true; do ln -s $(command -v $tool) ${bin}/; done`,
    );
    const { stdout } = await engine.host.run([
      'env',
      `PATH=${bin}`,
      join(import.meta.dirname, '../../../dist/minidock'),
      'doctor',
    ]);
    expect(stdout).toMatch(/warning {2}nsenter is not installed\n.*\n.*apt-get install util-linux/);
  });

  test('a disk that is nearly full', async () => {
    const small = join(engine.host.dir, 'small');
    await sh(`mkdir ${small}; mount -t tmpfs -o size=20m none ${small}`);
    const { exitCode, stdout } = await minidock('--root', `${small}/root`, 'doctor');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/problem {2}only 20 MiB free in/);
    await sh(`umount ${small}`);
  });
});
