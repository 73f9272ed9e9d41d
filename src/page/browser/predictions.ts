/**
 * "Predict first": questions about the command that a step is about, asked before it is typed. The picture, or the
 * kernel's answer, shows afterwards what was right.
 */
interface Prediction {
  readonly when: RegExp;
  readonly question: string;
  readonly answers: readonly string[];
  readonly right: number;
  readonly because: string;
}

/** By what the step's solution does. */
export const predictions: readonly Prediction[] = [
  {
    when: /ip link add \S+ type veth/,
    question: 'how many new interfaces will there be?',
    answers: ['one', 'two', 'none until one end is up'],
    right: 1,
    because: 'A veth is always a pair: what enters at one end leaves at the other.',
  },
  {
    when: /MASQUERADE|masquerade/,
    question: 'which address will the other side see as the sender?',
    answers: ['the container’s', 'the bridge’s', 'the host’s on the way out'],
    right: 2,
    because: 'Masquerading replaces the source by the address of the interface by which the packet leaves.',
  },
  {
    when: /DNAT|dnat/,
    question: 'when does the destination change: before the route is chosen, or after?',
    answers: ['before', 'after'],
    right: 0,
    because: 'DNAT is done in prerouting, so that the route is chosen for the new destination.',
  },
  {
    when: /type bridge/,
    question: 'what does a bridge look at to choose a port?',
    answers: ['the IP address', 'the hardware (MAC) address', 'the interface’s name'],
    right: 1,
    because: 'A bridge is a switch: it learns which MAC address is behind which port.',
  },
  {
    when: /ip netns add/,
    question: 'which interfaces will the new namespace have?',
    answers: ['none', 'only lo, which is down', 'those of the host'],
    right: 1,
    because: 'A new network namespace has its own loopback interface, and even that is down.',
  },
  {
    when: /\bping\b/,
    question: 'what is asked for first?',
    answers: ['the hardware address, by ARP', 'the name, by DNS', 'nothing: ICMP goes out at once'],
    right: 0,
    because: 'Before the first packet its sender asks who has the address (or the gateway’s).',
  },
];
