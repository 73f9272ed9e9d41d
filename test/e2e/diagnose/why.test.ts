/**
 * `why`: each cause is made in the kernel of a throw-away host, that one alone, and must be what is named first; and
 * whatever was asked, the host is afterwards as it was.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { expectSoon, useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS } from '../../support/host/host.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { expectStop, expectWorks, useWhy } from '../../support/why.ts';

const engine = useEngine({ iptables: true });
const { ok } = engine;
const { ask, sh, inside, web, serveAt } = useWhy(engine);

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
/** A kernel may be without the tables of the old iptables. */
const withoutLegacy =
  spawnSync('unshare', ['--net', 'iptables-legacy', '-S']).status === 0 ? '' : 'no legacy iptables here';

const vethOf = async (name: string): Promise<string> => {
  const index = await ok('exec', name, 'cat', '/sys/class/net/eth0/iflink');
  return (await sh(`ip -o link show | sed -n 's/^${index}: \\([^@]*\\)@.*/\\1/p'`)).trim();
};
/** Something that listens on the internet. */
const world = (): Promise<void> => serveAt('outside', 'tcp:80');

describe.each(['nftables', 'iptables'])('what works, %s', (firewall) => {
  beforeEach(async () => {
    await web('web', ['-p', '8080:80', '--firewall', firewall]);
    await web('db', ['--firewall', firewall], '5432');
    await world();
  });

  test.each([
    [[':8080']],
    [['host', ':8080']],
    [['web:80']],
    [['web -> db:5432']],
    [['web', '->', 'db:5432']],
    [['web', ':8080']],
    [['db', `${HOST_ADDRESS}:8080`]],
    [[`web -> ${INTERNET_ADDRESS}:80`]],
  ])('%j', async (words) => {
    const before = await engine.host.snapshot();
    const answer = await ask(...words);
    expect(answer.verdict.code).toBe('works');
    expect([answer.exitCode, answer.probe?.outcome]).toEqual([0, 'connected']);
    await expectSoon(engine.host, before);
  });
});

test('the trace follows the probe through redirection and forwarding, and the text tells it', async () => {
  await web('web', ['-p', '8080:80']);
  const { probe } = await ask(':8080');
  const own = (probe?.trace ?? []).filter(({ table }) => table === 'minidock').map(({ hook }) => hook);
  expect([...new Set(own)]).toEqual(['prerouting', 'forward', 'postrouting']);
  const { stdout } = await engine.host.minidock('why', ':8080');
  expect(stdout).toMatch(/dnat ip to meta l4proto \. th dport map @published: accept/);
  expect(stdout).toMatch(/> 172\.17\.0\.\d+:80\n/);
  expect(stdout).toMatch(/\nit works: /);
});

test('where the default route is not by the interface that clients know, a note says what to ask', async () => {
  await web('web', ['-p', '8080:80', '-p', '8053:53/udp']);
  const notes = async (words: string): Promise<string> =>
    (await ask(words)).walk
      .filter(({ status }) => status === 'note')
      .map(({ text }) => text)
      .join('; ');
  expect(await notes('outside -> :8080')).toBe('');
  await sh(
    'ip link add tun0 type veth peer name peer0; ip link set peer0 up; ip addr add 10.99.0.2/24 dev tun0; ' +
      'ip link add off0 type veth peer name off1; ip addr add 10.98.0.2/24 dev off0; ' +
      'ip link set tun0 up; ip neigh add 10.99.0.1 lladdr 02:00:00:00:00:99 dev tun0; ' +
      'ip route replace default via 10.99.0.1 dev tun0',
  );
  expect(await notes('outside -> :8080')).toBe(
    `the host has other addresses: ask for them too (outside -> ${HOST_ADDRESS}:8080)`,
  );
  expect(await notes('outside -> :8053/udp')).toMatch(`(outside -> ${HOST_ADDRESS}:8053/udp)`);
  expect(await notes(`outside -> ${HOST_ADDRESS}:8080`)).toMatch(
    /^answers to clients beyond the networks of eth0 leave by tun0, .*: --from ADDRESS asks as one of them$/,
  );
  await sh('ip link delete tun0; ip link delete off0; ip route replace default via 192.0.2.1');
});

test('a name that only an address reaches: the default network resolves none', async () => {
  await web('web', []);
  await web('db', [], '5432');
  await web('linked', ['--link', 'web'], '5432');
  const told = async (words: string): Promise<string> => (await ask(words)).verdict.text;
  expect(await told('db -> web:80')).toMatch(/^it works: .*; programs in db must use the address/);
  expect(await told('linked -> web:80')).not.toMatch(/must use the address/);
  expect(await told('web:80')).not.toMatch(/must use the address/);
  await ok('network', 'create', 'office');
  for (const name of ['web', 'db']) await ok('network', 'connect', 'office', name);
  expect(await told('db -> web:80')).not.toMatch(/must use the address/);
  await ok('rm', '-f', 'web', 'db', 'linked');
  await ok('network', 'rm', 'office');
});

describe('where it stops', () => {
  beforeEach(() => web('web', ['-p', '8080:80']));
  let mend = '';
  afterEach(async () => {
    if (mend !== '') await sh(mend);
    mend = '';
  });
  const breakIt = async (script: string, undo = ''): Promise<void> => {
    await sh(script);
    mend = undo;
  };

  test('container not running', async () => {
    await ok('stop', '-t', '0', 'web');
    expectStop(await ask('web:80'), 'target', 'not-running');
    expectStop(await ask(':8080'), 'target', 'not-running');
  });

  test('no network at all', async () => {
    await ok('run', '-d', '--name', 'alone', '--network', 'none', 'test', 'sleep', '100');
    expectStop(await ask('alone:80'), 'target', 'no-network');
  });

  test('networks that minidock keeps apart, and one that is internal', async () => {
    for (const words of [['back'], ['--internal', 'vault']]) await ok('network', 'create', ...words);
    await web('api', ['--network', 'back']);
    await web('safe', ['--network', 'vault']);
    await world();
    const apart = await ask('api -> web:80');
    expectStop(apart, 'forward', 'dropped');
    expect(apart.walk.find(({ stage }) => stage === 'forward')).toMatchObject({
      code: 'networks-apart',
      status: 'maybe',
    });
    expect(apart.verdict.fix).toContain('--network bridge');
    expectWorks(await ask(`api -> ${HOST_ADDRESS}:8080`));
    for (const goal of ['web:80', `${HOST_ADDRESS}:8080`, `${INTERNET_ADDRESS}:80`]) {
      const confined = await ask(`safe -> ${goal}`);
      expectStop(confined, 'sender', 'no-route');
      expect(confined.verdict.text).toContain('the network vault is internal');
      expect(confined.verdict.fix).toContain('without --internal');
    }
    await ok('rm', '-f', 'api', 'safe');
    await ok('network', 'rm', 'back', 'vault');
  });

  test('port that nobody publishes', async () => {
    expectStop(await ask(':9999'), 'socket', 'listen-none');
  });

  test('published on another address', async () => {
    await web('inner', ['-p', '127.0.0.1:8081:80']);
    expectStop(await ask(':8081'), 'target', 'other-address');
    expectWorks(await ask('host', ':8081'));
  });

  test('published for the other protocol', async () => {
    await ok('run', '-d', '--name', 'dns', '-p', '5353:53/udp', 'test', 'sleep', '100');
    expectStop(await ask(':5353'), 'target', 'wrong-protocol');
    expectStop(await ask(':5353/udp'), 'socket', 'listen-none');
  });

  test('element of the map missing: the socket that reserves the port answers, and that is not the container', async () => {
    await breakIt("nft delete element ip minidock published '{ tcp . 8080 }'");
    const answer = await ask(':8080');
    expect(answer.probe?.outcome).toBe('connected');
    expectStop(answer, 'redirection', 'rule-missing');
  });

  test('element that points elsewhere', async () => {
    await breakIt(
      "nft delete element ip minidock published '{ tcp . 8080 }'; nft add element ip minidock published '{ tcp . 8080 : 172.17.0.99 . 80 }'",
      "nft delete element ip minidock published '{ tcp . 8080 }'",
    );
    expectStop(await ask(':8080'), 'redirection', 'rule-wrong');
  });

  test('ruleset flushed, and what is advised mends it', async () => {
    await breakIt('nft flush ruleset');
    const answer = await ask(':8080');
    expectStop(answer, 'redirection', 'rule-missing');
    expect(answer.verdict.text).toContain("the rules of minidock's table are gone");
    expect(answer.verdict.fix).toBe('minidock restart web');
    await ok('restart', '-t', '0', 'web');
    await ok('run', '--rm', '--firewall', 'iptables', 'test', 'true');
    expectWorks(await ask(':8080'));
  });

  test('forwarding off', async () => {
    await breakIt('echo 0 >/proc/sys/net/ipv4/ip_forward', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
    expectStop(await ask(':8080'), 'routing', 'forwarding-off');
    expectWorks(await ask('web:80'));
  });

  test('policy of FORWARD, whose it is, and what lets the packets pass', async () => {
    await breakIt(
      'iptables -F FORWARD; iptables -P FORWARD DROP',
      'iptables -P FORWARD ACCEPT; iptables -F FORWARD; iptables -A FORWARD -j MINIDOCK-FORWARD',
    );
    const answer = await ask(':8080');
    expectStop(answer, 'forward', 'dropped');
    expect(answer.verdict.text).toContain("somebody else's chain ip filter FORWARD");
    await sh(answer.verdict.fix ?? '');
    expectWorks(await ask(':8080'));
  });

  test.each([
    ['ufw', 'ufw-reject-forward', /^ufw route allow/],
    ['Docker', 'DOCKER-USER', /^iptables -I DOCKER-USER/],
  ])('policy of FORWARD as %s sets it', async (owner, chain, fix) => {
    await breakIt(
      `iptables -F FORWARD; iptables -P FORWARD DROP; iptables -N ${chain}; iptables -A FORWARD -j ${chain}`,
      `iptables -P FORWARD ACCEPT; iptables -F FORWARD; iptables -X ${chain}; iptables -A FORWARD -j MINIDOCK-FORWARD`,
    );
    const answer = await ask(':8080');
    expectStop(answer, 'forward', 'dropped');
    expect(answer.verdict.text).toMatch(new RegExp(`^${owner}'s chain .* by its policy, drop`));
    expect(answer.verdict.fix).toMatch(fix);
  });

  testUnless(withoutLegacy, 'policy of the legacy iptables, which leaves no trace', async () => {
    await breakIt('iptables-legacy -P FORWARD DROP', 'iptables-legacy -P FORWARD ACCEPT');
    const answer = await ask(':8080');
    expectStop(answer, 'forward', 'forward-drop');
    await sh(answer.verdict.fix ?? '');
    expectWorks(await ask(':8080'));
    await sh('iptables-legacy -F FORWARD');
  });

  test("a rule in somebody's own table, named with its words", async () => {
    const table =
      'table inet strict { chain gate { type filter hook forward priority 10; tcp dport 80 drop; }; }';
    await breakIt(`nft '${table}'`, 'nft delete table inet strict');
    const answer = await ask(':8080');
    expectStop(answer, 'forward', 'dropped');
    expect(answer.verdict.text).toContain('inet strict gate');
    expect(answer.verdict.text).toContain('tcp dport 80 drop');
  });

  test('an answer that is dropped on its way back', async () => {
    const table =
      'table ip strict { chain gate { type filter hook forward priority 10; tcp sport 80 drop; }; }';
    await breakIt(`nft '${table}'`, 'nft delete table ip strict');
    expectStop(await ask(':8080'), 'way back', 'dropped');
  });

  test('bridge down, and without its address: not the route that goes with it', async () => {
    await breakIt('ip link set minidock0 down', 'ip link set minidock0 up');
    const down = await ask('web:80');
    expectStop(down, 'bridge', 'link-down');
    await sh(down.verdict.fix ?? '');
    expectWorks(await ask('web:80'));
    await sh('ip link set minidock0 up; ip address delete 172.17.0.1/16 dev minidock0');
    mend = 'ip address replace 172.17.0.1/16 dev minidock0';
    const answer = await ask('web:80');
    expectStop(answer, 'bridge', 'no-gateway');
  });

  test("host's end of the cable down, or unplugged", async () => {
    const link = await vethOf('web');
    await breakIt(`ip link set ${link} down`);
    expectStop(await ask(':8080'), 'cable', 'link-down');
    await sh(`ip link set ${link} up; ip link set ${link} nomaster`);
    const answer = await ask(':8080');
    expectStop(answer, 'cable', 'unplugged');
    await sh(answer.verdict.fix ?? '');
    expectWorks(await ask(':8080'));
  });

  test("container's end down, or with another address", async () => {
    await inside('web', 'ip link set eth0 down');
    expectStop(await ask(':8080'), 'interface', 'link-down');
    await inside('web', 'ip link set eth0 up');
    await inside('web', 'ip address flush dev eth0');
    await inside('web', 'ip address add 172.17.0.77/16 dev eth0');
    const answer = await ask('web:80');
    expectStop(answer, 'interface', 'wrong-address');
    expect(answer.verdict.text).toContain('172.17.0.77');
  });

  test('listening for the other protocol', async () => {
    const answer = await ask('web:80/udp');
    expectStop(answer, 'socket', 'listen-protocol');
    expect(answer.verdict.fix).toBe('Ask for :80/tcp.');
  });

  test('nothing listening, or on 127.0.0.1 only', async () => {
    expectStop(await ask('web:81'), 'socket', 'listen-none');
    await web('shy', ['-p', '8083:80'], '127.0.0.1:80');
    for (const target of [[':8083'], ['host', ':8083'], ['shy:80'], ['web -> shy:80']]) {
      expectStop(await ask(...target), 'socket', 'listen-loopback');
    }
    expectWorks(await ask('shy -> 127.0.0.1:80'));
  });

  test('container without a way back', async () => {
    await inside('web', 'ip route delete default');
    expectStop(await ask(':8080'), 'way back', 'no-way-back');
    expectStop(await ask(`web -> ${INTERNET_ADDRESS}:80`), 'sender', 'no-route');
  });

  test('container asked from outside by its own address', async () => {
    const answer = await ask('outside', 'web:80');
    expectStop(answer, 'forward', 'dropped');
    expect(answer.verdict.text).toMatch(/^minidock's chain/);
  });
});

describe('from a container into the world', () => {
  beforeEach(() => web('web', []));

  test('refused there', async () => {
    expectStop(await ask(`web -> ${INTERNET_ADDRESS}:4443`), 'socket', 'refused');
  });

  test('no masquerade: packets leave, and no answer finds back', async () => {
    await world();
    const rules = await sh('iptables -t nat -S MINIDOCK-POSTROUTING | sed 1d');
    await sh(
      'iptables -t nat -F MINIDOCK-POSTROUTING; nft delete element ip minidock subnets { 172.17.0.0/16 }',
    );
    expectStop(await ask(`web -> ${INTERNET_ADDRESS}:80`), 'way back', 'no-masquerade');
    await sh('nft add element ip minidock subnets { 172.17.0.0/16 }');
    for (const rule of rules.trim().split('\n')) await sh(`iptables -t nat ${rule}`);
    expectWorks(await ask(`web -> ${INTERNET_ADDRESS}:80`));
  });

  test('no machine with that address, no route, uplink down', async () => {
    expectStop(await ask('web -> 192.0.2.77:80'), 'routing', 'no-neighbour');
    await sh('ip route delete default');
    try {
      expectStop(await ask(`web -> ${INTERNET_ADDRESS}:80`), 'routing', 'no-route');
    } finally {
      await sh('ip route add default via 192.0.2.1');
    }
    await engine.host.outside(['ip', 'link', 'set', 'eth0', 'down']);
    try {
      expectStop(await ask('web -> 192.0.2.1:80'), 'routing', 'link-down');
    } finally {
      await engine.host.outside(['ip', 'link', 'set', 'eth0', 'up']);
    }
  });
});

describe('trouble is 125, and nothing stays behind', () => {
  test.each([['web'], ['a:b'], ['a b c:80'], [':0'], [':99999'], ['nobody:80']])('%s', async (target) => {
    const { exitCode, stdout, stderr } = await engine.host.minidock('why', target);
    expect([exitCode, stdout]).toEqual([125, '']);
    expect(stderr).toMatch(/^minidock: /);
  });

  test.each([
    [
      'a name that nobody has',
      ['nobody:80'],
      "there is no container 'nobody'",
      'minidock resolves no DNS names',
    ],
    [
      'a namespace that nobody made',
      ['netns:nowhere', ':8080'],
      "there is no network namespace 'nowhere'",
      '',
    ],
    [
      'an address that sends',
      ['172.17.0.5 -> :8080'],
      "'172.17.0.5' is an address, and a sender is a name",
      'minidock why --from 172.17.0.5 :8080',
    ],
    ['no address', ['--from', 'example.org', ':8080'], '--from takes an address', ''],
  ])('%s', async (_, words, message, hint) => {
    const { exitCode, stderr } = await engine.host.minidock('why', ...words);
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining(message)]);
    expect(stderr).toContain(hint);
  });

  test('a namespace whose name is taken for a container', async () => {
    await sh('ip netns add red');
    try {
      const { exitCode, stderr } = await engine.host.minidock('why', 'red', ':8080');
      expect([exitCode, stderr]).toEqual([125, expect.stringContaining('write netns:red')]);
    } finally {
      await sh('ip netns del red');
    }
  });

  test('not root', async () => {
    const argv = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', MINIDOCK, 'why', ':8080'];
    const { exitCode, stderr } = await engine.host.run(argv);
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining('must run as root')]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'ended by %s in the middle of a probe',
    async (signal) => {
      await ok('run', '-d', '--name', 'mute', 'test', 'sleep', '100');
      const before = await engine.host.snapshot();
      const asking = engine.host.spawn([MINIDOCK, 'why', 'mute -> 192.0.2.78:80']);
      await engine.host.waitFor(
        async () => (await sh('nft list tables')).includes('minidock_why_'),
        'the table of the trace',
      );
      asking.kill(signal);
      await asking.exited;
      await expectSoon(engine.host, before);
    },
  );
});
