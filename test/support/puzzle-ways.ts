/** Ways to go at a lesson other than its solution: wrong ones, which must not pass, and right ones, which must. */

export interface PuzzleWays {
  readonly lesson: string;
  /** The step they belong to; the last one where it is absent. Those before it are solved as the lesson says. */
  readonly step?: string;
  /** Each is one shell line; tried one after the other, none may fulfil the step. */
  readonly wrong: readonly string[];
  readonly right: string;
}

/** Lessons of the article's order. */
export const firstWays: readonly PuzzleWays[] = [
  {
    lesson: 'cable',
    step: 'neighbours',
    wrong: [
      'ip -n red link show veth-red > /tmp/blue.mac; ip -n blue neigh replace 192.168.15.1 lladdr 02:00:00:00:00:01 dev veth-blue nud permanent',
    ],
    // The whole line that ip writes holds the address, too.
    right:
      'ip -n red neigh show 192.168.15.2 > /tmp/blue.mac; ip -n blue neigh replace 192.168.15.1 lladdr $(ip netns exec red cat /sys/class/net/veth-red/address) dev veth-blue nud permanent',
  },
  {
    lesson: 'publish',
    step: 'forward',
    wrong: [
      'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT',
      'iptables -A FORWARD -j ACCEPT',
      'iptables -F FORWARD; iptables -A FORWARD -p tcp -j ACCEPT',
      'iptables -F FORWARD; iptables -P FORWARD ACCEPT',
    ],
    right:
      'iptables -P FORWARD DROP; iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT; iptables -A FORWARD -p tcp -s 192.168.15.1 --sport 80 -j ACCEPT',
  },
  {
    lesson: 'docker-by-hand',
    step: 'veth',
    wrong: ['ip link add veth-web type veth peer name eth1 netns web'],
    right: 'ip link del veth-web; ip link add veth-web type veth peer name eth0 netns web',
  },
  {
    lesson: 'docker-by-hand',
    step: 'run',
    // A page, but nothing that is kept apart.
    wrong: ['ip netns exec web busybox httpd -p 80 -h /srv/rootfs/www'],
    right:
      'kill $(ip netns pids web); ip netns exec web unshare -m -p -f chroot /srv/rootfs /bin/busybox httpd -f -p 80 -h /www </dev/null >/dev/null 2>&1 &',
  },
  {
    lesson: 'docker-by-hand',
    step: 'nat',
    wrong: ['echo 1 >/proc/sys/net/ipv4/ip_forward; ip -n outside route add 172.30.0.0/16 via 203.0.113.2'],
    right:
      'ip -n outside route del 172.30.0.0/16; iptables -t nat -A POSTROUTING -s 172.30.0.2 -o eth0 -j SNAT --to-source 203.0.113.2',
  },
  // Asking twice is not a way: the first look must not leave what the second one finds.
  {
    lesson: 'article-greedy-dnat',
    step: 'see',
    wrong: ['true', 'true'],
    right: 'ip netns exec green busybox wget -qO- http://198.51.100.7:8080/',
  },
  {
    lesson: 'article-one-way-forward',
    step: 'see',
    wrong: ['true', 'true'],
    right: 'ip netns exec outside busybox wget -T 1 -qO- http://203.0.113.2:8080/ 2>/dev/null || true',
  },
];

export const puzzleWays: readonly PuzzleWays[] = [
  {
    lesson: 'puzzle-link-down',
    wrong: ['ip -n web link set eth0 down; ip -n web link set eth0 up', 'iptables -I FORWARD -j ACCEPT'],
    right: 'ip link set vweb down; ip link set vweb master br0 up',
  },
  {
    lesson: 'puzzle-wrong-prefix',
    wrong: ['ip -n client route add default via 192.168.15.1'],
    right: 'ip -n web route add 192.168.15.0/25 dev eth0',
  },
  {
    lesson: 'puzzle-duplicate-address',
    wrong: [
      'ip -n client neigh flush all',
      'ip -n client neigh replace 192.168.15.3 lladdr 02:00:00:00:00:03 dev eth0',
    ],
    right: 'ip netns delete printer; ip -n client neigh flush all',
  },
  {
    lesson: 'puzzle-bridge-without-address',
    wrong: ['ip address add 192.168.15.1/32 dev vclient', 'iptables -I FORWARD -j ACCEPT'],
    right:
      'ip address flush dev vclient; ip address add 192.168.15.1/32 dev br0; ip route add 192.168.15.0/24 dev br0',
  },
  {
    lesson: 'puzzle-wrong-neighbour',
    wrong: ['ip -n client neigh flush all', 'ip neigh flush all'],
    right: 'ip -n web link set eth0 address 02:00:00:00:00:99',
  },
  {
    lesson: 'puzzle-missing-route',
    wrong: ['ip -n client route add 192.168.15.0/24 via 192.168.16.1', 'iptables -A FORWARD -j ACCEPT'],
    right: 'iptables -t nat -A POSTROUTING -s 192.168.16.0/24 -o vweb -j MASQUERADE',
  },
  {
    lesson: 'puzzle-forwarding-off',
    wrong: [
      'iptables -A FORWARD -j ACCEPT',
      'iptables -t nat -A POSTROUTING -j MASQUERADE',
      'echo 1 >/proc/sys/net/ipv4/conf/default/forwarding',
    ],
    right: 'for link in vclient vweb; do echo 1 >/proc/sys/net/ipv4/conf/$link/forwarding; done',
  },
  {
    lesson: 'puzzle-two-bridges',
    wrong: ['ip -n web link set eth0 up', 'ip link set br0 down; ip link set br0 up', 'ip neigh flush all'],
    right: 'ip route add 192.168.15.2/32 dev br0',
  },
  {
    lesson: 'puzzle-rp-filter',
    wrong: [
      'echo 0 >/proc/sys/net/ipv4/conf/vwire/rp_filter',
      'echo 2 >/proc/sys/net/ipv4/conf/default/rp_filter',
      'iptables -A FORWARD -j ACCEPT',
    ],
    right: 'ip route replace 10.9.9.9 via 192.168.16.2',
  },
  {
    lesson: 'puzzle-forward-drop',
    wrong: ['iptables -I FORWARD -j ACCEPT', "nft chain inet office forward '{ policy accept; }'"],
    right:
      "nft chain inet office forward '{ policy drop; }'; nft insert rule inet office forward iifname vclient tcp dport 80 accept",
  },
  {
    lesson: 'puzzle-dnat-return',
    wrong: ['iptables -I FORWARD -j ACCEPT', 'ip netns exec backup iptables -F FORWARD'],
    right: 'iptables -t nat -A POSTROUTING -o vweb -m conntrack --ctstate DNAT -j MASQUERADE',
  },
  {
    lesson: 'puzzle-hairpin',
    wrong: [
      'iptables -I FORWARD -j ACCEPT',
      'iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.2:80',
    ],
    right: 'iptables -t nat -A POSTROUTING -o br0 -m conntrack --ctstate DNAT -j MASQUERADE',
  },
  {
    lesson: 'puzzle-nat-interface',
    wrong: ['iptables -A FORWARD -j ACCEPT', 'ip -n outside route add 192.168.15.0/24 via 203.0.113.2'],
    right:
      'ip -n outside route del 192.168.15.0/24; iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -j SNAT --to-source 203.0.113.2',
  },
  {
    lesson: 'puzzle-loopback-only',
    wrong: ['ip netns exec web iptables -I INPUT -j ACCEPT'],
    right: 'ip netns exec web busybox httpd -p 192.168.15.2:80 -h /srv/web-80',
  },
  {
    lesson: 'puzzle-mtu',
    wrong: ['iptables -I FORWARD -j ACCEPT', 'ip -n client link set eth0 mtu 1400'],
    right: 'iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
  },
  {
    lesson: 'article-two-cables-one-subnet',
    wrong: ['ip -n red address del 192.168.15.1/24 dev veth-ns', 'ip neigh flush all'],
    right: 'ip -n red route add 192.168.15.10/32 dev veth-ns',
  },
  {
    lesson: 'article-no-way-out',
    wrong: [
      'ip -n blue route add 198.51.100.7 dev veth-blue; ip -n green route add 198.51.100.7 dev veth-green',
      'ip address add 192.168.16.1/32 dev veth-blue-br',
    ],
    right:
      'ip address flush dev veth-blue-br; ip address add 192.168.16.254/24 dev v-net-0; for n in blue green; do ip -n $n route replace 198.51.100.7 via 192.168.16.254; done',
  },
  {
    lesson: 'article-greedy-dnat',
    step: 'local',
    wrong: ['iptables -t nat -F PREROUTING'],
    right:
      'iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80',
  },
  {
    lesson: 'article-one-way-forward',
    wrong: ['iptables -P FORWARD ACCEPT'],
    right: 'iptables -P FORWARD DROP; iptables -A FORWARD -p tcp -s 192.168.15.1 --sport 80 -j ACCEPT',
  },
  {
    lesson: 'article-old-spellings',
    wrong: ['iptables -D FORWARD 1'],
    right:
      'iptables -A FORWARD -p tcp -d 192.168.16.1 --dport 80 -j ACCEPT; iptables -t raw -A PREROUTING -i eth0 -d 192.168.16.1 -j DROP',
  },
  {
    lesson: 'article-namespace-exists',
    step: 'ghost',
    wrong: ['ip -n blue link set veth-blue down', 'ip netns delete red; ip netns add red'],
    right: 'for p in /proc/[0-9]*; do case $(readlink $p/exe) in */busybox) kill ${p#/proc/} ;; esac; done',
  },
];
