/**
 * `why` against the oracle: whatever is done to the host's rules, the verdict says what a real client meets, and the
 * host is afterwards as it was.
 */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { expectSoon, useEngine } from '../../support/engine.ts';
import { HOST_ADDRESS, INTERNET_ADDRESS, OUTSIDE_ADDRESS } from '../../support/host/host.ts';
import { expectStop, expectWorks, useWhy } from '../../support/why.ts';

const engine = useEngine({ iptables: true });
const { ok } = engine;
const { ask, sh, web, serveAt, serveIn, reaches, change, undoLast, table, addressOf } = useWhy(engine);

describe('from outside, on the uplink', () => {
  beforeEach(() => web('web', ['-p', '8080:80']));

  test.each([
    ['the packet', 'iifname "eth0" tcp dport 80 drop', 'forward'],
    ['the answer', 'oifname "eth0" tcp sport 80 drop', 'way back'],
  ])('a rule that drops %s by the name of the uplink', async (_, rule, stage) => {
    await table('inet', `chain gate { type filter hook forward priority 10; ${rule}; }`);
    expect(await reaches('outside', 'tcp', HOST_ADDRESS, 8080)).toBe(false);
    const answer = await ask(':8080');
    expectStop(answer, stage, 'dropped');
    expect(answer.verdict.text).toContain(rule);
    expectWorks(await ask('host', ':8080'));
  });

  test('iptables -i eth0, and a reverse path filter that is strict', async () => {
    await change(
      'iptables -I FORWARD -i eth0 -p tcp --dport 80 -j DROP',
      'iptables -D FORWARD -i eth0 -p tcp --dport 80 -j DROP',
    );
    expectStop(await ask(':8080'), 'forward', 'dropped');
    await undoLast();
    await change(
      'echo 1 | tee /proc/sys/net/ipv4/conf/{all,eth0}/rp_filter',
      'echo 0 | tee /proc/sys/net/ipv4/conf/{all,eth0}/rp_filter',
    );
    const before = await engine.host.snapshot();
    const { verdict, probe } = await ask(':8080');
    expect(verdict.code).toBe('works');
    expect(
      new Set(probe?.trace?.filter(({ hook }) => hook === 'forward').map(({ packet }) => packet.iif)),
    ).toEqual(new Set(['eth0', 'minidock0']));
    await expectSoon(engine.host, before);
  });

  test('no answer finds its way while the router does not answer', async () => {
    await engine.host.outside(['ip', 'address', 'delete', '192.0.2.1/24', 'dev', 'eth0']);
    try {
      await sh('ip neigh flush dev eth0');
      expectStop(await ask(':8080'), 'way back', 'no-neighbour');
    } finally {
      await engine.host.outside(['ip', 'address', 'add', '192.0.2.1/24', 'dev', 'eth0']);
    }
    expectWorks(await ask(':8080'));
  });

  test('a lookup that began before the fix fails, and that is not the answer', async () => {
    const address = await addressOf('web');
    const settings = '/proc/sys/net/ipv4/neigh/minidock0';
    // One request, and two seconds until it has failed: who joins it gets that failure, whatever has changed.
    await sh(`cd ${settings}; echo 1 >mcast_solicit; echo 2000 >retrans_time_ms
nft 'table arp strict { chain in { type filter hook input priority 0; drop; }; }'
ip neigh del ${address} dev minidock0 || true
ping -c1 -W3 ${address} >/dev/null 2>&1 &
until ip neigh show ${address} | grep -q INCOMPLETE; do :; done
nft delete table arp strict`);
    try {
      expectWorks(await ask(':8080'));
    } finally {
      await sh(`cd ${settings}; echo 3 >mcast_solicit; echo 1000 >retrans_time_ms`);
    }
  });

  test('without a default route the client comes over a cable of its own, and the answer says so', async () => {
    await change('ip route delete default', 'ip route add default via 192.0.2.1');
    const { stdout } = await engine.host.minidock('why', 'outside', `${HOST_ADDRESS}:8080`);
    expect(stdout).toMatch(/\nIt stops at: way back: the host has no default route/);
    expect(stdout).toMatch(/does\s+not\s+test\s+rules\s+that\s+name\s+the\s+uplink/);
  });
});

describe.each([0, 1])('between two containers of one bridge, bridge-nf-call-iptables %d', (call) => {
  beforeEach(async () => {
    const path = '/proc/sys/net/bridge/bridge-nf-call-iptables';
    const before = (await sh(`cat ${path}`)).trim();
    await change(`echo ${call} >${path}`, `echo ${before} >${path}`);
    await web('web', []);
    await web('db', [], '5432');
  });

  test('the trace follows the packet there and the answer back', async () => {
    const { verdict, probe } = await ask('web -> db:5432');
    expect(verdict.code).toBe('works');
    const forwarded = (probe?.trace ?? []).filter(
      ({ kind, family, hook }) => kind === 'enter' && family === 'bridge' && hook === 'forward',
    );
    expect(forwarded).toHaveLength(2);
    const [there, back] = forwarded;
    expect([back?.packet.iif, back?.packet.oif]).toEqual([there?.packet.oif, there?.packet.iif]);
    const { stdout } = await engine.host.minidock('why', 'web -> db:5432');
    expect(stdout).toMatch(/forward +bridge +mdv\w+ -> mdv\w+ /);
  });

  test.each([
    ['tcp dport 5432 drop', 'forward'],
    ['tcp sport 5432 drop', 'way back'],
  ])('a table of the bridge: %s', async (rule, stage) => {
    await table('bridge', `chain gate { type filter hook forward priority 0; ${rule}; }`);
    expect(await reaches('web', 'tcp', await addressOf('db'), 5432)).toBe(false);
    const answer = await ask('web -> db:5432');
    expectStop(answer, stage, 'dropped');
    expect(answer.verdict.text).toContain('bridge strict gate');
  });

  test('a rule of iptables is met with br_netfilter only', async () => {
    await table('ip', 'chain gate { type filter hook forward priority 10; tcp dport 5432 drop; }');
    const works = await reaches('web', 'tcp', await addressOf('db'), 5432);
    expect(works).toBe(call === 0);
    const answer = await ask('web -> db:5432');
    if (works) expect(answer.verdict.code).toBe('works');
    else expectStop(answer, 'forward', 'dropped');
  });
});

describe.each(['nftables', 'iptables'])('UDP, %s', (firewall) => {
  beforeEach(async () => {
    await ok(
      ...['run', '-d', '--name', 'dns', '-p', '5353:53/udp', '--firewall', firewall, 'test', 'sleep', '100'],
    );
    await ok('run', '-d', '--name', 'asker', '--firewall', firewall, 'test', 'sleep', '100');
  });

  const questions = (): readonly (readonly [readonly string[], string, string, number])[] => [
    [[':5353/udp'], 'outside', HOST_ADDRESS, 5353],
    [['host', ':5353/udp'], 'host', '127.0.0.1', 5353],
    [['asker', ':5353/udp'], 'asker', HOST_ADDRESS, 5353],
  ];

  test('an answer came', async () => {
    await serveIn('dns', 'udp:53');
    const address = await addressOf('dns');
    for (const [words, from, to, port] of [
      ...questions(),
      [['dns:53/udp'], 'host', address, 53],
      [['asker -> dns:53/udp'], 'asker', address, 53],
    ] as const) {
      expect(await reaches(from, 'udp', to, port)).toBe(true);
      const { verdict, probe, exitCode } = await ask(...words);
      expect([words, exitCode, verdict.code, probe?.outcome]).toEqual([words, 0, 'works', 'answered']);
    }
    await serveAt('outside', 'udp:5300');
    expectWorks(await ask(`asker -> ${OUTSIDE_ADDRESS}:5300/udp`));
  });

  test('nobody listens', async () => {
    for (const [words] of questions()) expectStop(await ask(...words), 'socket', 'listen-none');
    expectStop(await ask(`asker -> ${INTERNET_ADDRESS}:5301/udp`), 'socket', 'refused');
  });

  test('who listens need not answer; who is dropped on the way does not get it', async () => {
    await serveIn('dns', 'udp:53');
    await table('ip', 'chain gate { type filter hook forward priority 10; udp sport 53 drop; }');
    expectStop(await ask(':5353/udp'), 'way back', 'dropped');
    await undoLast();
    await table('ip', 'chain gate { type filter hook forward priority 10; udp dport 53 drop; }');
    expectStop(await ask(':5353/udp'), 'forward', 'dropped');
  });

  test('a program that says nothing', async () => {
    await serveIn('dns', 'mute:53');
    const { verdict, exitCode } = await ask(':5353/udp');
    expect([verdict.code, exitCode]).toEqual(['delivered', 0]);
  });
});
