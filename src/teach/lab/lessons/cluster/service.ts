/** A Service as kube-proxy makes it: an address that no interface has, and rules that choose a backend. */
import type { LabHost, Lesson, Requirement } from '../../lesson.ts';
import { counterOf } from '../packets.ts';
import { bridge, cable, forwarding, hasPage, namespace, pageAt } from '../scenery.ts';
import { need } from '../seen.ts';

const SERVICE = 'http://10.96.0.10/';
const TRIES = 24;

const backend = (number: 1 | 2): string[] => {
  const netns = `backend${String(number)}`;
  const address = `10.244.0.1${String(number)}/24`;
  return [
    ...namespace(netns),
    ...cable({ netns, address, bridge: 'cni0', gateway: '10.244.0.1' }),
    ...pageAt(netns, `backend ${String(number)}`),
  ];
};

/** How many of the tries each backend itself has answered. */
async function answers(host: LabHost, from: string): Promise<readonly [number, number]> {
  const accepted = (netns: string): Promise<number> => counterOf(host, 'Tcp', 'PassiveOpens', netns);
  const before = [await accepted('backend1'), await accepted('backend2')] as const;
  const script = `for i in $(seq ${String(TRIES)}); do if command -v curl >/dev/null; then curl -sf --noproxy '*' --max-time 1 ${SERVICE}; else busybox wget -q -T 1 -O - ${SERVICE}; fi || exit; done`;
  const { status } = await host.run(['sh', '-c', script], { netns: from, timeoutMs: 30_000 });
  const after = [await accepted('backend1'), await accepted('backend2')] as const;
  return status === 0 ? [after[0] - before[0], after[1] - before[1]] : [0, 0];
}

/** All tries are answered, and by these. */
const served = (text: string, from: string, by: readonly [boolean, boolean]): Requirement => ({
  text,
  holds: async (host) => {
    const counts = await answers(host, from);
    return (
      counts[0] + counts[1] === TRIES &&
      counts.every((count, index) => by[index] === undefined || count > 0 === by[index])
    );
  },
});

const BOTH = served(
  `of ${String(TRIES)} requests of client to ${SERVICE} each is answered, some by backend1 and some by backend2`,
  'client',
  [true, true],
);

const NOWHERE = need(
  'no interface of the host or of a namespace has 10.96.0.10, and no proxy listens',
  `for net in /proc/1/ns/net /run/netns/*; do ! nsenter --net=$net ip -o -4 address show | grep -q 'inet 10.96.0.10/' || exit 1; done
! ss -Hltn | grep -q .`,
);

/** Its packets come to the host as they are: its own rules have not replaced the address. */
const byTheHost = (from: string, address: string): Requirement => ({
  text: `the host replaces 10.96.0.10, and not ${from} itself`,
  holds: (host) =>
    sees(host, [undefined], `ip saddr ${address} ip daddr 10.96.0.10 tcp dport 80 tcp flags syn`, from),
});
/** Only the Service's address is replaced. */
const DIRECT: Requirement = {
  text: 'client gets each backend’s page at the backends’ own addresses, http://10.244.0.11/ and http://10.244.0.12/',
  holds: async (host) => {
    // Where the choice is left to chance, some tries find the right one.
    for (const number of ['1', '2', '1', '2', '1', '2', '1', '2', '1', '2']) {
      const fetch = { from: 'client', by: `backend${number}` };
      if (!(await hasPage(host, `http://10.244.0.1${number}/`, `backend ${number}`, fetch))) return false;
    }
    return true;
  },
};

const BY_THE_HOST = byTheHost('client', '10.244.1.2');

const RULES = `nft -f - <<'RULES'
table ip services {
  chain inward {
    type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 tcp dport 80 dnat ip to numgen random mod 2 map { 0 : 10.244.0.11 . 80, 1 : 10.244.0.12 . 80 }
  }
}
RULES`;

const service: Lesson = {
  name: 'service',
  group: 'cluster',
  title: 'A Service: one address, two backends',
  story: `Pods come and go, and their addresses with them. A Service has an address that stays, and no interface has it:
on each node rules replace it, as the first packet of a connection passes, by that of a pod. kube-proxy writes them.

    client   10.244.1.2 ---- host 10.244.1.1
                              |
    backend1 10.244.0.11 --+- cni0 10.244.0.1        the Service: 10.96.0.10, port 80
    backend2 10.244.0.12 --+`,
  setup: [
    ...bridge('cni0', '10.244.0.1/24'),
    ...backend(1),
    ...backend(2),
    ...namespace('client'),
    ...cable({
      netns: 'client',
      address: '10.244.1.2/24',
      hostAddress: '10.244.1.1/24',
      gateway: '10.244.1.1',
    }),
    forwarding(true),
  ],
  steps: [
    {
      id: 'balance',
      title: 'Which one answers?',
      task: 'Let client get http://10.96.0.10/, each time a new choice between backend1 and backend2. The address stays without an interface, and no proxy runs on the host.',
      hints: [
        'A redirection, as for a published port (DNAT at prerouting), but to one of two addresses.',
        'nft: numgen random mod 2 map { 0 : …, 1 : … }. iptables: -m statistic --mode random --probability 0.5 in the first of two rules.',
        'iptables -t nat -A PREROUTING -d 10.96.0.10 -p tcp --dport 80 -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.0.11:80, and a second rule without -m statistic for the other',
      ],
      solution: [
        {
          command: RULES,
          why: 'Only the first packet of a connection comes to a nat chain; conntrack remembers the choice for the others, so a connection never changes its backend.',
        },
        {
          command:
            'for i in 1 2 3 4 5 6; do ip netns exec client curl -s --max-time 3 http://10.96.0.10/ || ip netns exec client busybox wget -qO- http://10.96.0.10/; done',
          why: 'Now this one, now that one.',
        },
      ],
      requirements: [BOTH, DIRECT, BY_THE_HOST, NOWHERE],
    },
    {
      id: 'hairpin',
      title: 'A backend asks its own Service',
      task: 'Let backend1 get http://10.96.0.10/ as well: each of its requests is answered, also where the choice falls on itself. client’s requests still arrive with client’s own address.',
      hints: [
        'The packet goes to the host and comes back to its sender: a packet with its own source. And an answer of backend2 goes straight over the bridge to backend1, past the host that would have to translate it back.',
        'Both are solved if such packets have the host as their sender: masquerade what comes from a pod’s subnet and goes to a backend.',
        'nft add chain … { type nat hook postrouting priority srcnat; } with: ip saddr 10.244.0.0/24 ct status dnat masquerade',
      ],
      solution: [
        {
          command:
            'nft \'add chain ip services outward { type nat hook postrouting priority srcnat; }; add rule ip services outward ip saddr 10.244.0.0/24 oifname "cni0" ct status dnat masquerade\'',
          why: 'The answer returns to the host, which translates both addresses back. kube-proxy marks such packets (KUBE-MARK-MASQ) and does the same; Docker and minidock do it for published ports.',
        },
        {
          command:
            'for i in 1 2 3 4 5 6; do ip netns exec backend1 curl -s --max-time 3 http://10.96.0.10/ || ip netns exec backend1 busybox wget -qO- http://10.96.0.10/; done',
          why: 'Without this rule every request would hang.',
        },
      ],
      requirements: [
        {
          text: `of ${String(TRIES)} requests of backend1 to ${SERVICE} each is answered, some by itself`,
          holds: async (host) => {
            const [own, other] = await answers(host, 'backend1');
            return own > 0 && other > 0 && own + other === TRIES;
          },
        },
        byTheHost('backend1', '10.244.0.11'),
        BOTH,
        {
          text: 'backend1 or backend2 sees client’s own address, 10.244.1.2',
          holds: (host) =>
            sees(host, ['backend1', 'backend2'], 'ip saddr 10.244.1.2 tcp dport 80 tcp flags syn', 'client'),
        },
        NOWHERE,
      ],
    },
    {
      id: 'endpoint',
      title: 'A backend has gone',
      task: 'backend2 is to be taken out of service: no new connection goes to it, and every request of client and of backend1 is answered. backend2 itself is left alone, and its own page still comes at http://10.244.0.12/.',
      hints: [
        'A readiness probe that fails makes Kubernetes do this: the list of endpoints becomes shorter.',
        'With one backend there is nothing to choose. Replace the rule, or let the generator know one number only.',
        'nft flush chain …, and one rule: ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.0.11:80',
      ],
      solution: [
        {
          command:
            "nft 'flush chain ip services inward; add rule ip services inward ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.0.11:80'",
          why: 'Flush and add are one transaction: no packet meets an empty chain. Connections that run keep their backend, as conntrack remembers.',
        },
      ],
      requirements: [
        served(`each request of client to ${SERVICE} is answered by backend1`, 'client', [true, false]),
        served(`each request of backend1 to ${SERVICE} is answered by itself`, 'backend1', [true, false]),
        {
          text: 'client gets the page of backend2 at http://10.244.0.12/',
          holds: (host) =>
            hasPage(host, 'http://10.244.0.12/', 'backend 2', { from: 'client', by: 'backend2' }),
        },
        NOWHERE,
      ],
    },
  ],
  epilogue:
    'kube-proxy writes exactly such rules on every node, as iptables (a chain for each Service and endpoint) or, ' +
    'newer, as nft maps. Swarm’s routing mesh does it by IPVS in a namespace of its own.',
};

/** Whether a request for the Service arrives at one of these places like this. `undefined` is the host. */
async function sees(
  host: LabHost,
  places: readonly (string | undefined)[],
  rule: string,
  from: string,
): Promise<boolean> {
  const chain = `chain look { type filter hook prerouting priority -400; ${rule} counter; }`;
  const made: { netns?: string }[] = [];
  try {
    for (const netns of places) {
      const where = netns === undefined ? {} : { netns };
      await host.run(['nft', `table ip minidock_seen { ${chain}; }`], where);
      made.push(where);
    }
    await host.fetch(SERVICE, { netns: from });
    const lists = await Promise.all(
      made.map((where) => host.run(['nft', 'list', 'table', 'ip', 'minidock_seen'], where)),
    );
    return lists.some(({ stdout }) => /counter packets [1-9]/.test(stdout));
  } finally {
    for (const where of made) await host.run(['nft', 'delete', 'table', 'ip', 'minidock_seen'], where);
  }
}

export const lessons: readonly Lesson[] = [service];
