/** Two hosts and a tunnel between them: what Swarm's overlay networks and flannel do. */
import type { LabHost, Lesson, Requirement } from '../../lesson.ts';
import { counterOf, pingReaches } from '../packets.ts';
import { bridge, cable, namespace, pageComes } from '../scenery.ts';

/** A machine on the wire with one container on a bridge of its own. */
function node(number: 1 | 2): string[] {
  const name = `node${String(number)}`;
  const pod = `pod${String(number)}`;
  return [
    ...namespace(name),
    ...cable({ netns: name, address: `192.0.2.1${String(number)}/24`, bridge: 'wire' }),
    ...namespace(pod),
    `ip -n ${name} link add cni0 type bridge`,
    `ip -n ${name} link set cni0 up`,
    `ip -n ${name} link add v${pod} type veth peer name eth0 netns ${pod}`,
    `ip -n ${name} link set v${pod} master cni0`,
    `ip -n ${name} link set v${pod} up`,
    `ip -n ${pod} address add 10.0.9.1${String(number)}/24 dev eth0`,
    `ip -n ${pod} link set eth0 up`,
  ];
}

const OWN = { 1: '192.0.2.11', 2: '192.0.2.12' } as const;

interface Link {
  readonly ifname?: string;
  readonly mtu?: number;
  readonly operstate?: string;
  readonly master?: string;
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: {
      readonly id?: number;
      readonly port?: number;
      readonly link?: string;
      readonly local?: string;
    };
  };
}

/** Without an interface or an address of its own the kernel takes those of the route, which are the same. */
const tunnels = async (host: LabHost, number: 1 | 2): Promise<readonly Link[]> =>
  (
    (await host.ip(['-d', 'link', 'show', 'type', 'vxlan'], `node${String(number)}`)) as readonly Link[]
  ).filter(
    ({ linkinfo: { info_data: { id, port, link = 'eth0', local = OWN[number] } = {} } = {} }) =>
      id === 42 && port === 4789 && link === 'eth0' && local === OWN[number],
  );

const hasTunnel = (number: 1 | 2): Requirement => {
  const name = `node${String(number)}`;
  return {
    text: `${name} has a vxlan interface over its eth0 and its own address, with the number 42 and the UDP port 4789, up and plugged into cni0`,
    holds: async (host) =>
      (await tunnels(host, number)).some(
        ({ operstate, master }) => master === 'cni0' && operstate !== 'DOWN',
      ),
    found: async (host) => {
      const links = (await host.ip(['-d', 'link', 'show', 'type', 'vxlan'], name)) as readonly Link[];
      const [first] = links;
      if (first === undefined) return undefined;
      const { id, port, link, local } = first.linkinfo?.info_data ?? {};
      const way = [
        ...(link === undefined ? [] : [`over ${link}`]),
        ...(local === undefined ? [] : [`from ${local}`]),
      ];
      return `${[first.ifname ?? '', ...way].join(' ')}: number ${String(id)}, port ${String(port)}, ${first.operstate ?? ''}, ${first.master === undefined ? 'not plugged in' : `in ${first.master}`}`;
    },
  };
};

/** The number of packets that a rule on the wire's far end counts while `send` runs. */
async function onTheWire(host: LabHost, rule: string, send: () => Promise<unknown>): Promise<number> {
  const chain = `chain look { type filter hook prerouting priority -400; ${rule} counter; }`;
  await host.run(['nft', `table ip minidock_wire { ${chain}; }`], { netns: 'node2' });
  try {
    await send();
    const { stdout } = await host.run(['nft', 'list', 'table', 'ip', 'minidock_wire'], { netns: 'node2' });
    return Number(/counter packets (\d+)/.exec(stdout)?.[1] ?? 0);
  } finally {
    await host.run(['nft', 'delete', 'table', 'ip', 'minidock_wire'], { netns: 'node2' });
  }
}

const reaches = (from: 1 | 2, to: 1 | 2): Requirement => ({
  text: `pod${String(from)} reaches pod${String(to)} at 10.0.9.1${String(to)}`,
  holds: (host) =>
    pingReaches(host, `10.0.9.1${String(to)}`, { from: `pod${String(from)}`, by: `pod${String(to)}` }),
});

const TUNNELLED: Requirement = {
  text: 'the ping travels inside UDP packets from 192.0.2.11 to 192.0.2.12 port 4789',
  holds: async (host) => {
    const ping = (): Promise<unknown> => host.ping('10.0.9.12', { netns: 'pod1' });
    return (await onTheWire(host, 'ip saddr 192.0.2.11 udp dport 4789', ping)) > 0;
  },
};

const LENGTH = 30_000;

/** As long as an MTU of 1500 allows. A pod with a smaller one cuts it into fragments itself. */
const longPing = async (host: LabHost, from: 1 | 2, to: 1 | 2): Promise<boolean> => {
  const words = ['ping', '-c', '1', '-W', '1', '-s', '1472', `10.0.9.1${String(to)}`] as const;
  return (await host.run(words, { netns: `pod${String(from)}` })).status === 0;
};

/** Whether the kernel of a node had to cut packets to send them. */
async function cuts(host: LabHost): Promise<boolean> {
  const created = async (): Promise<number> =>
    (await counterOf(host, 'Ip', 'FragCreates', 'node1')) +
    (await counterOf(host, 'Ip', 'FragCreates', 'node2'));
  const before = await created();
  await host.fetch('http://10.0.9.12/', { netns: 'pod1' });
  await longPing(host, 1, 2);
  return (await created()) > before;
}

const vxlan: Lesson = {
  name: 'vxlan',
  group: 'cluster',
  title: 'Two hosts, one network: VXLAN',
  story: `A bridge ends at its host. For containers on two hosts to be neighbours, their frames have to cross the wire
between the hosts, which knows nothing of them. VXLAN puts each frame into a UDP packet from host to host.

    pod1 10.0.9.11 -- cni0 (node1) 192.0.2.11 ---- wire ---- 192.0.2.12 (node2) cni0 -- 10.0.9.12 pod2

node1 and node2 are namespaces that play hosts. Their bridges are called cni0, as in Kubernetes.`,
  setup: [
    ...bridge('wire'),
    ...node(1),
    ...node(2),
    'mkdir -p /srv/pod2',
    `{ echo "the page of pod2"; head -c ${String(LENGTH)} /dev/zero | tr '\\0' x; } >/srv/pod2/index.html`,
    'ip netns exec pod2 busybox httpd -p 80 -h /srv/pod2 </dev/null >/dev/null 2>&1',
    // Between namespaces the kernel hands on many segments as one, which no wire does: then no MTU would matter.
    'for n in 1 2; do ip -n pod$n link set eth0 gso_max_segs 1; done',
  ],
  steps: [
    {
      id: 'ends',
      title: 'An end on each host',
      task: 'Give each node an interface of type vxlan with the number 42, UDP port 4789, over its eth0 and from its own address there; plug it into cni0 and bring it up.',
      hints: [
        'It is a port of the bridge like the containers’ cables, only that its other end is on other hosts.',
        'ip link add NAME type vxlan id 42 dstport 4789 dev eth0 local ADDRESS',
        'ip -n node1 link add vxlan42 type vxlan id 42 dstport 4789 dev eth0 local 192.0.2.11; ip -n node1 link set vxlan42 master cni0 up',
      ],
      solution: [
        {
          command:
            'for n in 1 2; do ip -n node$n link add vxlan42 type vxlan id 42 dstport 4789 dev eth0 local 192.0.2.1$n; ip -n node$n link set vxlan42 master cni0 up; done',
          why: 'The number (VNI) keeps networks apart, as VLANs do, but there are sixteen million. 4789 is the port of the standard; Linux took another before there was one, so it is named.',
        },
      ],
      requirements: [hasTunnel(1), hasTunnel(2)],
    },
    {
      id: 'peers',
      title: 'Who is on the other side',
      task: 'Let pod1 and pod2 ping each other, their frames in VXLAN.',
      hints: [
        'pod1 asks all: who has 10.0.9.12? Its host has to know where to send such a frame. Nobody has said.',
        'An entry of the forwarding table with the MAC address of zeros is for frames to all and to unknown ones: bridge fdb append.',
        'bridge -n node1 fdb append 00:00:00:00:00:00 dev vxlan42 dst 192.0.2.12, and the reverse on node2',
      ],
      solution: [
        {
          command:
            'bridge -n node1 fdb append 00:00:00:00:00:00 dev vxlan42 dst 192.0.2.12; bridge -n node2 fdb append 00:00:00:00:00:00 dev vxlan42 dst 192.0.2.11',
          why: 'The question goes to every host in that list. The answer teaches the interface which host has which MAC address.',
        },
        {
          command: 'ip netns exec pod1 ping -c 2 10.0.9.12; bridge -n node1 fdb show dev vxlan42',
          why: 'The table has pod2’s address now, with 192.0.2.12. Swarm and flannel write such entries themselves, from what their cluster store knows, and need not ask.',
        },
      ],
      requirements: [hasTunnel(1), hasTunnel(2), reaches(1, 2), reaches(2, 1), TUNNELLED],
    },
    {
      id: 'mtu',
      title: 'The envelope weighs fifty bytes',
      task: 'The wire takes 1500 bytes. Let pod1 get pod2’s page of 30,000 bytes, and long pings pass, without a node having to cut a packet into fragments. The wire stays as it is.',
      hints: [
        'An inner frame of 1500 bytes becomes an outer packet of 1550: UDP, VXLAN and the second Ethernet header come on top.',
        'Containers have to send smaller packets. Look at the MTU of vxlan42 and of the pods: ip -n pod1 link.',
        'ip -n pod1 link set eth0 mtu 1450, and the same for pod2',
      ],
      solution: [
        {
          command: 'for n in 1 2; do ip -n pod$n link set eth0 mtu 1450; done',
          why: 'TCP sends no larger segments than the interface takes, and both sides say so when they connect. The kernel had given vxlan42 an MTU of 1450 by itself; the bridge drops what is larger, and tells nobody.',
        },
        {
          command:
            'ip netns exec pod1 curl -s --max-time 3 http://10.0.9.12/ | wc -c || ip netns exec pod1 busybox wget -qO- http://10.0.9.12/ | wc -c',
          why: 'Without it the connection is made, and the page never comes: small packets pass, large ones do not.',
        },
      ],
      requirements: [
        pageComes('pod1 gets the page of pod2', 'http://10.0.9.12/', 'x'.repeat(LENGTH), {
          from: 'pod1',
          by: 'pod2',
        }),
        {
          text: 'a ping of 1472 bytes passes from pod1 to pod2, and from pod2 to pod1',
          holds: async (host) => (await longPing(host, 1, 2)) && (await longPing(host, 2, 1)),
        },
        { text: 'no node cuts packets for it', holds: async (host) => !(await cuts(host)) },
        {
          text: 'the eth0 of both nodes and the wire still have an MTU of 1500',
          holds: async (host) => {
            const wires = [
              ...(await host.ip(['link', 'show', 'master', 'wire'])),
              ...(await host.ip(['link', 'show', 'dev', 'eth0'], 'node1')),
              ...(await host.ip(['link', 'show', 'dev', 'eth0'], 'node2')),
            ] as readonly Link[];
            return wires.length === 4 && wires.every(({ mtu }) => mtu === 1500);
          },
        },
        TUNNELLED,
      ],
    },
  ],
  epilogue:
    'This is what "docker network create -d overlay" makes on every node of a Swarm, and flannel’s vxlan backend ' +
    'on those of Kubernetes (which routes between a subnet per node, and so needs no frame to all). A cloud whose ' +
    'MTU is smaller than its hosts think is the classic of "small requests work".',
};

export const lessons: readonly Lesson[] = [vxlan];
