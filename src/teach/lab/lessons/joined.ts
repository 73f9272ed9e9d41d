/** The namespace red with a cable to the host, as shell lines: the start of section B's lessons. */

/** The state after the first lesson of this section. */
export const JOINED: readonly string[] = [
  'ip netns add red',
  'ip link add veth-host type veth peer name veth-ns netns red',
  'ip address add 192.168.15.10/24 dev veth-host',
  'ip -n red address add 192.168.15.1/24 dev veth-ns',
  'ip link set veth-host up',
  'ip -n red link set veth-ns up',
  'ip -n red link set lo up',
];

/** The state after the second lesson: red has a way out. */
export const WAY_OUT: readonly string[] = [
  'ip -n red route add default via 192.168.15.10',
  'echo 1 >/proc/sys/net/ipv4/ip_forward',
  'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth0 -j MASQUERADE',
];
