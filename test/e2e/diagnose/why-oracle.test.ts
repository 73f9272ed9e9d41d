/**
 * `why` where the packet is lost at a place that no rule of a trace names, or answered by somebody else. A real
 * client's failure is seen first each time.
 */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, OUTSIDE_ADDRESS } from '../../support/host/host.ts';
import { expectStop, expectWorks, useWhy } from '../../support/why.ts';

const engine = useEngine({ iptables: true });
const { ok } = engine;
const { ask, sh, inside, web, serveAt, reaches, change, table, addressOf } = useWhy(engine);

const sysctl = async (path: string, value: string): Promise<void> => {
  const file = `/proc/sys/net/ipv4/conf/${path}`;
  const before = (await sh(`cat ${file}`)).trim();
  await change(`echo ${value} >${file}`, `echo ${before} >${file}`);
};
const published = (): Promise<boolean> => reaches('outside', 'tcp', HOST_ADDRESS, 8080);

describe('from outside to a published port', () => {
  beforeEach(() => web('web', ['-p', '8080:80']));

  test.each([
    [
      'netdev',
      'chain i { type filter hook ingress device "eth0" priority 0; tcp dport 8080 drop; }',
      'prerouting',
    ],
    [
      'inet',
      'chain i { type filter hook ingress device "eth0" priority 0; tcp dport 8080 drop; }',
      'prerouting',
    ],
    [
      'netdev',
      'chain e { type filter hook egress device "eth0" priority 0; tcp sport 8080 drop; }',
      'way back',
    ],
  ])("dropped at the uplink's own hook: %s %s", async (family, chain, stage) => {
    await table(family, chain);
    expect(await published()).toBe(false);
    expectStop(await ask(':8080'), stage, 'dropped');
  });

  test('dropped by tc, before any hook', async () => {
    await change(
      'ip link add sink type veth peer name drain; ip link set sink up; tc qdisc add dev eth0 clsact; tc filter add dev eth0 ingress protocol ip u32 match ip dport 8080 0xffff action mirred egress redirect dev sink',
      'tc qdisc delete dev eth0 clsact; ip link delete sink',
    );
    expect(await published()).toBe(false);
    expectStop(await ask(':8080'), 'prerouting', 'vanished');
  });

  test.each([
    ['raw', 'notrack'],
    ['-110', 'redirect to :9999'],
    ['-110', 'dnat ip to 172.17.0.99:80'],
  ])('taken away before the redirection: %s, %s', async (priority, rule) => {
    const type = rule === 'notrack' ? 'filter' : 'nat';
    await table(
      'inet',
      `chain p { type ${type} hook prerouting priority ${priority}; tcp dport 8080 ${rule}; }`,
    );
    expect(await published()).toBe(false);
    const answer = await ask(':8080');
    expectStop(answer, 'redirection', 'astray');
    expect(answer.verdict.text).toContain(rule);
  });

  test.each([
    ['-I FORWARD -i eth0 -j DROP', 'forward'],
    ['-I FORWARD -i eth0 -p tcp -j REJECT --reject-with tcp-reset', 'forward'],
    ['-t raw -I PREROUTING -p tcp --dport 8080 -j DROP', 'prerouting'],
    ['-I FORWARD -o eth0 -j DROP', 'way back'],
  ])('legacy iptables %s', async (rule, stage) => {
    await change(`iptables-legacy ${rule}`, `iptables-legacy ${rule.replace('-I', '-D')}`);
    expect(await published()).toBe(false);
    const answer = await ask(':8080');
    expectStop(answer, stage, 'vanished');
    expect(answer.verdict.text).toContain('legacy iptables');
  });

  test.each([
    ['eth0/forwarding', '0', 'routing'],
    ['minidock0/forwarding', '0', 'way back'],
  ])('%s is %s', async (path, value, stage) => {
    await sysctl(path, value);
    expect(await published()).toBe(false);
    const answer = await ask(':8080');
    expectStop(answer, stage, 'unroutable');
    expect(answer.verdict.fix).toContain(`echo 1 > /proc/sys/net/ipv4/conf/${path}`);
    await sh(answer.verdict.fix ?? '');
    expectWorks(await ask(':8080'));
  });

  test('a routing rule that refuses', async () => {
    await change('ip rule add iif eth0 unreachable', 'ip rule delete iif eth0 unreachable');
    expect(await published()).toBe(false);
    expectStop(await ask(':8080'), 'routing', 'unroutable');
  });

  test('the uplink has no carrier', async () => {
    await engine.host.outside(['ip', 'link', 'set', 'eth0', 'down']);
    try {
      expectStop(await ask(':8080'), 'prerouting', 'uplink-down');
    } finally {
      await engine.host.outside(['ip', 'link', 'set', 'eth0', 'up']);
    }
    expectWorks(await ask(':8080'));
  });

  test('the addresses for a stand-in are routed to somebody', async () => {
    await change('ip route add 198.18.0.0/15 via 192.0.2.1', 'ip route delete 198.18.0.0/15');
    expectWorks(await ask(':8080'));
  });

  test('what depends on who asks, or on what is sent, counts as not seen', async () => {
    await table('ip', `chain g { type filter hook forward priority 10; ip saddr ${OUTSIDE_ADDRESS} drop; }`);
    expect(await published()).toBe(false);
    const { walk, verdict } = await ask(':8080');
    expect(walk.find(({ text }) => text.includes('ip strict'))).toMatchObject({ status: 'note' });
    expect(verdict.text).toContain('a program there answers');
  });

  test('dropped inside the container: its own rules are where to look', async () => {
    await inside(
      'web',
      "nft 'table ip s { chain i { type filter hook input priority 0; tcp dport 80 drop; }; }'",
    );
    expect(await published()).toBe(false);
    const answer = await ask(':8080');
    expectStop(answer, 'way back', 'no-answer');
    expect(answer.verdict.look?.join(' ')).toMatch(/^nsenter -t \d+ -n nft list ruleset$/);
  });
});

describe('from a container', () => {
  beforeEach(async () => {
    await web('web', []);
    await ok('run', '-d', '--name', 'asker', 'test', 'sleep', '100');
  });

  test('the reverse path filter', async () => {
    await serveAt('outside', 'tcp:80');
    await sysctl('minidock0/rp_filter', '1');
    await change(
      `ip route add ${await addressOf('asker')} dev eth0`,
      `ip route delete ${await addressOf('asker')}`,
    );
    expect(await reaches('asker', 'tcp', OUTSIDE_ADDRESS, 80)).toBe(false);
    const answer = await ask(`asker -> ${OUTSIDE_ADDRESS}:80`);
    expectStop(answer, 'routing', 'unroutable');
    expect(`${answer.verdict.text} ${answer.verdict.fix}`).toContain('reverse path filter');
  });

  test('its own rules, or its cable, let nothing out', async () => {
    const rule = 'chain o { type filter hook output priority 0; tcp dport 80 drop; }';
    await inside('asker', `nft 'table ip s { ${rule}; }'`);
    expect(await reaches('asker', 'tcp', await addressOf('web'), 80)).toBe(false);
    expectStop(await ask('asker -> web:80'), 'sender', 'vanished');
    await inside('asker', 'nft flush ruleset');
    const index = await ok('exec', 'asker', 'cat', '/sys/class/net/eth0/iflink');
    const link = (await sh(`ip -o link show | sed -n 's/^${index}: \\([^@]*\\)@.*/\\1/p'`)).trim();
    await sh(`ip link set ${link} nomaster`);
    const answer = await ask('asker -> web:80');
    expectStop(answer, 'sender', 'unplugged');
    await sh(answer.verdict.fix ?? '');
    expectWorks(await ask('asker -> web:80'));
  });

  test('ports of the bridge that are isolated from each other', async () => {
    // One of the test before may go meanwhile.
    const set = (to: string): string =>
      `for l in $(ip -o link show master minidock0 | sed 's/^[0-9]*: \\([^@]*\\)@.*/\\1/'); do bridge link set dev $l isolated ${to} || ! ip link show $l; done`;
    await change(set('on'), set('off'));
    expect(await reaches('asker', 'tcp', await addressOf('web'), 80)).toBe(false);
    expectStop(await ask('asker -> web:80'), 'bridge', 'isolated');
    await sh(set('off'));
    expectWorks(await ask('asker -> web:80'));
    await sh(set('on'));
    expectStop(await ask('asker -> web:80'), 'bridge', 'isolated');
  });

  test('itself by its name: the address of its name, not 127.0.0.1', async () => {
    expectWorks(await ask('web -> web:80'));
    await web('shy', [], '127.0.0.1:80');
    expect(await reaches('shy', 'tcp', await addressOf('shy'), 80)).toBe(false);
    expectStop(await ask('shy -> shy:80'), 'socket', 'listen-loopback');
    expectWorks(await ask('shy -> 127.0.0.1:80'));
  });

  test('without an uplink the host is asked by the address of the bridge', async () => {
    await change('ip route delete default', 'ip route add default via 192.0.2.1');
    await web('pub', ['-p', '8080:80']);
    expect(await reaches('asker', 'tcp', '172.17.0.1', 8080)).toBe(true);
    expectWorks(await ask('asker', ':8080'));
  });
});

test('a container in the network of the host is asked by the address that the asker can reach', async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'web',
    '--network',
    'host',
    'test',
    'httpd',
    '-f',
    '-p',
    '8090',
    '-h',
    '/www',
  );
  await ok('run', '-d', '--name', 'asker', 'test', 'sleep', '100');
  await engine.host.waitFor(() => reaches('host', 'tcp', '127.0.0.1', 8090), 'httpd to listen');
  expect(await reaches('outside', 'tcp', HOST_ADDRESS, 8090)).toBe(true);
  for (const sender of ['host', 'outside', 'asker']) expectWorks(await ask(`${sender} -> web:8090`));
  await ok('stop', '-t', '0', 'web');
  expectStop(await ask('outside -> web:8090'), 'target', 'not-running');
});

test('a socket for IPv6 alone is called that', async () => {
  const script =
    "require('net').createServer().listen({ port: 8072, host: '::', ipv6Only: true }, () => console.log('up'))";
  const server = engine.host.spawn([process.execPath, '-e', script]);
  await server.waitForOutput(/up/);
  expect(await reaches('outside', 'tcp', HOST_ADDRESS, 8072)).toBe(false);
  const answer = await ask(':8072');
  expectStop(answer, 'socket', 'listen-ipv6');
  server.kill();
  await server.exited;
});

test('a container without a network reaches itself, and nothing is amiss', async () => {
  await ok(
    'run',
    '-d',
    '--name',
    'alone',
    '--network',
    'none',
    'test',
    'httpd',
    '-f',
    '-p',
    '80',
    '-h',
    '/www',
  );
  await engine.host.waitFor(async () => (await inside('alone', 'ss -Hltn')).includes(':80 '), 'it to listen');
  const answer = await ask('alone -> alone:80');
  expectWorks(answer);
  expect(answer.walk.filter(({ status }) => status === 'stop')).toEqual([]);
});

test.each([
  [['--foo', ':8080'], /unknown option '--foo'/],
  [['outside', `${OUTSIDE_ADDRESS}:80`], /not on this host/],
])('why %j is trouble', async (words, message) => {
  const { exitCode, stdout, stderr } = await engine.host.minidock('why', ...words);
  expect([exitCode, stdout]).toEqual([125, '']);
  expect(stderr).toMatch(message);
});
