/** What the page draws of models and answers: groups, goals, the flight of a packet, what a part is. */
import { describe, expect, test } from '@jest/globals';
import type { Interface, Model, Namespace } from '../../../../src/diagnose/graph/model.ts';
import { aboutCable, aboutInterface, aboutNamespace } from '../../../../src/page/picture/about.ts';
import { ghost } from '../../../../src/page/picture/ghost.ts';
import { group } from '../../../../src/page/picture/grouping.ts';
import { flightOf } from '../../../../src/page/picture/packet.ts';

const link = (index: number, name: string, more: Partial<Interface> = {}): Interface => ({
  ...{ index, name, kind: 'veth', mac: '02:00:00:00:00:01', mtu: 1500, up: true, carrier: true },
  addresses: [],
  ...more,
});
const namespace = (inode: number, label: string, interfaces: readonly Interface[]): Namespace => ({
  ...{ inode, label, interfaces, kind: inode === 1 ? 'host' : 'namespace', path: `/run/netns/${label}` },
  ...{ containers: [], processes: [], routes: [] },
});
const model = (namespaces: readonly Namespace[], cables: Model['cables'] = []): Model => ({
  ...{ here: 1, namespaces, cables, published: [], idle: [], chains: [], forwarding: true },
  ...{ disagreements: [], unconnected: 0 },
});

/** A bridge with so many neighbours. */
function crowd(count: number): Model {
  const numbers = Array.from({ length: count }, (_, i) => i);
  const host = namespace(1, 'this host', [
    link(3, 'br0', { kind: 'bridge' }),
    ...numbers.map((i) => link(10 + i, `p${i}`, { master: 3 })),
  ]);
  const others = numbers.map((i) =>
    namespace(100 + i, `c${i}`, [link(2, 'eth0', { addresses: [`10.0.0.${i}/24`] })]),
  );
  const cables = numbers.map((i) => ({ a: { inode: 1, index: 10 + i }, b: { inode: 100 + i, index: 2 } }));
  return model([host, ...others], cables);
}

describe('group', () => {
  const options = { open: new Set<number>(), query: '', keep: new Set<number>() };
  const labels = (one: Model): readonly string[] => one.namespaces.map(({ label }) => label);

  test('a few are drawn as they are', () => {
    const few = crowd(12);
    expect(group(few, options).model).toBe(few);
  });

  test('of many the first are drawn, the rest is one box with one cable', () => {
    const { model: grouped, groups } = group(crowd(300), options);
    expect(labels(grouped)).toEqual([
      'this host',
      ...[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `c${i}`),
      '292 more on br0',
    ]);
    expect(grouped.cables).toHaveLength(9);
    expect([...groups]).toEqual([[-3, 3]]);
    expect(grouped.namespaces[0]?.interfaces.map(({ name }) => name)).toContain('292 more');
  });

  test('an opened group is drawn whole; a search and a selection are never hidden', () => {
    const many = crowd(300);
    expect(group(many, { ...options, open: new Set([3]) }).model).toBe(many);
    expect(labels(group(many, { ...options, query: '10.0.0.250/' }).model)).toContain('c250');
    expect(labels(group(many, { ...options, keep: new Set([399]) }).model)).toContain('c299');
  });
});

describe('ghost', () => {
  test('adds what is missing by name, and says it', () => {
    const present = model([namespace(1, 'this host', [link(2, 'eth0')]), namespace(50, 'red', [])]);
    const goal = model(
      [
        namespace(1, 'this host', [link(2, 'eth0')]),
        namespace(7, 'red', [link(3, 'veth-red', { addresses: ['10.0.0.1/24'] })]),
        namespace(8, 'blue', [link(4, 'veth-blue')]),
      ],
      [{ a: { inode: 7, index: 3 }, b: { inode: 8, index: 4 } }],
    );
    const { model: merged, missing, list } = ghost(present, goal);
    expect(merged.namespaces.map(({ label }) => label)).toEqual(['this host', 'red', 'blue']);
    expect(merged.namespaces[1]?.inode).toBe(50);
    expect(merged.cables).toHaveLength(1);
    expect(list).toEqual(['veth-red in red', 'the namespace blue']);
    expect(missing.size).toBe(4);
  });

  test('nothing is missing of what is there, whatever its numbers', () => {
    const one = crowd(2);
    const other: Model = JSON.parse(JSON.stringify(one).replaceAll('"inode":10', '"inode":90')) as Model;
    expect(ghost(one, other).list).toEqual([]);
    expect(ghost(one, other).missing.size).toBe(0);
  });
});

describe('flightOf', () => {
  const packet = (source: string, destination: string): object => ({
    ...{ source, destination, sourcePort: 5, destinationPort: 80, iif: 'eth0', oif: '' },
  });
  const event = (
    hook: string,
    kind: string,
    rule: string,
    verdict: string,
    at: object,
    id = 'a',
  ): object => ({
    ...{
      kind,
      id,
      hook,
      family: 'ip',
      table: 'minidock',
      chain: hook,
      rule,
      verdict,
      packet: at,
      base: hook,
    },
  });
  const answer = {
    from: 'outside',
    to: { address: '192.0.2.2', port: 8080, container: 'web' },
    works: false,
    verdict: {
      stage: 'forward',
      text: 'a rule drops it',
      look: ['nft', 'list', 'a b'],
      fix: 'nft delete rule',
    },
    walk: [{ stage: 'target', status: 'ok', text: 'published' }],
    probe: {
      trace: [
        event('prerouting', 'enter', '', '', packet('198.51.100.1', '192.0.2.2')),
        event('prerouting', 'rule', 'dnat to', 'accept', packet('198.51.100.1', '192.0.2.2')),
        event('forward', 'enter', '', '', packet('198.51.100.1', '172.17.0.2')),
        event('forward', 'rule', 'tcp dport 80 drop', 'drop', packet('198.51.100.1', '172.17.0.2')),
        event('forward', 'rule', 'later', 'accept', packet('198.51.100.1', '172.17.0.2')),
        event('prerouting', 'enter', '', '', packet('172.17.0.2', '198.51.100.1'), 'b'),
      ],
    },
  };

  test('ends at the rule that drops the packet; the new destination is DNAT', () => {
    const { hops, see, fix, works } = flightOf(answer);
    expect(hops.map(({ stage, state, changed }) => [stage, state, changed])).toEqual([
      ['prerouting', 'ok', undefined],
      ['forward', 'stop', 'DNAT'],
    ]);
    expect(hops[1]?.text).toBe('ip minidock forward: tcp dport 80 drop');
    expect([see, fix, works]).toEqual(["nft list 'a b'", 'nft delete rule', false]);
  });

  test('without a trace the walk is shown, up to where it stops', () => {
    const walk = [
      { stage: 'routing', status: 'ok', text: 'a route' },
      { stage: 'interface', status: 'stop', text: 'down' },
      { stage: 'socket', status: 'ok', text: 'x' },
    ];
    const { hops } = flightOf({ ...answer, probe: null, walk });
    expect(hops.map(({ stage }) => stage)).toEqual(['routing', 'interface']);
  });

  test('what is no answer makes no error', () => {
    for (const nothing of [null, 1, [], {}, { walk: 1, probe: { trace: [null, 1] } }]) {
      expect(flightOf(nothing).works).toBe(false);
    }
  });
});

describe('about', () => {
  test('commands enter the namespace, and are quoted', () => {
    const many = crowd(1);
    const odd = model([
      many.namespaces[0]!,
      { ...namespace(100, "a'b", [link(2, 'x;reboot')]), path: "/run/netns/a'b" },
    ]);
    expect(aboutInterface(odd, { inode: 100, index: 2 })?.look[0]).toBe(
      String.raw`ip -n 'a'\''b' -d -s link show dev 'x;reboot'`,
    );
    expect(aboutNamespace(many, 100)?.made?.command).toBe('ip netns add c0');
    expect(aboutCable(many, '1/10-100/2')?.made?.command).toBe('ip link add p0 type veth peer name eth0');
    expect(aboutNamespace(many, 5)).toBeUndefined();
  });
});
