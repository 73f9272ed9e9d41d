/** The puzzles: ways that look like a cure, and cures other than the one told. */
import { impostor, puzzle, wireWays } from './puzzles-wire.ts';
import type { LessonWays } from './ways.ts';

const route: readonly LessonWays[] = [
  puzzle(
    'puzzle-missing-route',
    [
      'ip -n client route add 192.168.15.0/24 via 192.168.16.1',
      'ip -n web route add default via 192.168.15.9',
      'iptables -t nat -A POSTROUTING -s 192.168.16.0/24 -o vclient -j MASQUERADE',
    ],
    'iptables -t nat -A POSTROUTING -s 192.168.16.0/24 -o vweb -j MASQUERADE',
  ),
  // No other traffic passes this host, so that nothing else is hidden.
  puzzle('puzzle-missing-route', [], 'iptables -t nat -A POSTROUTING -j MASQUERADE'),
  puzzle(
    'puzzle-forwarding-off',
    [
      'iptables -A FORWARD -j ACCEPT',
      'iptables -t nat -A POSTROUTING -j MASQUERADE',
      'echo 1 >/proc/sys/net/ipv4/conf/default/forwarding',
      'echo 1 >/proc/sys/net/ipv4/conf/vclient/forwarding',
    ],
    'echo 1 >/proc/sys/net/ipv4/conf/vweb/forwarding',
  ),
  puzzle(
    'puzzle-two-bridges',
    [
      'ip -n web link set eth0 up',
      'ip link set br0 down; ip link set br0 up',
      'ip neigh flush all',
      'ip netns delete old',
    ],
    'ip route add 192.168.15.2/32 dev br0',
  ),
  puzzle(
    'puzzle-rp-filter',
    [
      'echo 2 >/proc/sys/net/ipv4/conf/default/rp_filter',
      'iptables -A FORWARD -j ACCEPT',
      // The page comes, and the laptop is somebody else.
      {
        type: 'ip -n laptop route replace default via 192.168.16.1',
        undo: 'ip -n laptop route replace default via 192.168.16.1 src 10.9.9.9',
        misses: 'speaks as 10.9.9.9',
      },
      {
        type: 'ip netns exec laptop iptables -t nat -A POSTROUTING -o wire -j SNAT --to-source 192.168.16.2',
        undo: 'ip netns exec laptop iptables -t nat -F POSTROUTING',
        misses: 'speaks as 10.9.9.9',
      },
    ],
    'ip route replace 10.9.9.9 via 192.168.16.2',
  ),
];

const RULE = 'nft insert rule inet office forward';
/** So that what opens everything fails for another reason than the client's own port. */
const QUIET_WEB = 'ip netns exec web iptables -A OUTPUT -p tcp --dport 80 -j DROP';

const firewall: readonly LessonWays[] = [
  puzzle(
    'puzzle-forward-drop',
    [
      'iptables -I FORWARD -j ACCEPT',
      {
        type: "nft chain inet office forward '{ policy accept; }'",
        undo: "nft chain inet office forward '{ policy drop; }'",
      },
      // Nobody is there any more to be reached.
      {
        type: `nft chain inet office forward '{ policy accept; }'; kill $(ip netns exec web ss -Hltnp 'sport = :9090' | grep -o 'pid=[0-9]*' | cut -d= -f2)`,
        undo: `nft chain inet office forward '{ policy drop; }'; ip netns exec web busybox httpd -p 9090 -h /srv/web-9090`,
      },
      // Of everybody's machine.
      {
        type: `${RULE} tcp dport 80 accept`,
        undo: 'nft flush chain inet office forward; nft add rule inet office forward ct state established,related counter accept',
        misses: 'port 80 of the client',
      },
      {
        type: `${RULE} ip daddr 192.168.0.0/16 tcp dport 80 accept`,
        undo: 'nft flush chain inet office forward; nft add rule inet office forward ct state established,related counter accept',
        misses: 'port 80 of the client',
      },
      // All but this one port, by the host or by the client itself.
      {
        type: `${RULE} ip daddr 192.168.15.2 tcp dport != 9090 accept`,
        undo: 'nft flush chain inet office forward; nft add rule inet office forward ct state established,related counter accept',
        misses: 'another port of web',
      },
      ...['{ 80, 443 }', '1-1024', '80-65535'].map((ports) => ({
        type: `${RULE} ip daddr 192.168.15.2 tcp dport ${ports} tcp dport != 9090 accept`,
        undo: 'nft flush chain inet office forward; nft add rule inet office forward ct state established,related counter accept',
        misses: 'another port of web',
      })),
      {
        type: 'nft flush table inet office; ip netns exec client iptables -A OUTPUT -p tcp --dport 9090 -j DROP',
        undo: 'ip netns exec client iptables -F OUTPUT',
      },
      {
        type: `nft delete table inet office; ${QUIET_WEB}; ip netns exec client iptables -A OUTPUT -p tcp --dport 9090 -j DROP`,
        undo: `ip netns exec web iptables -F OUTPUT; ip netns exec client iptables -F OUTPUT; nft 'table inet office { chain forward { type filter hook forward priority 10; policy drop; ct state established,related counter accept; }; }'`,
        misses: 'another port of web',
      },
      {
        type: `nft delete table inet office; ${QUIET_WEB}; ip netns exec client iptables -A OUTPUT -p tcp ! --dport 80 -j DROP; ip netns exec client iptables -A OUTPUT -p udp -j DROP`,
        undo: `ip netns exec web iptables -F OUTPUT; ip netns exec client iptables -F OUTPUT; nft 'table inet office { chain forward { type filter hook forward priority 10; policy drop; ct state established,related counter accept; }; }'`,
        misses: 'the host must close',
      },
    ],
    'nft insert rule inet office forward iifname vclient tcp dport 80 accept',
  ),
  puzzle(
    'puzzle-dnat-return',
    [
      'iptables -I FORWARD -j ACCEPT',
      'ip netns exec backup iptables -F FORWARD',
      'busybox httpd -p 8080 -h /srv/web-80',
      'ip -n outside route add 192.168.18.0/24 via 203.0.113.2',
      {
        type: 'mkdir -p /srv/own; cp -r /srv/web-80/. /srv/own; busybox httpd -p 81 -h /srv/own; iptables -t nat -I PREROUTING -p tcp --dport 8080 -j REDIRECT --to-ports 81',
        undo: 'iptables -t nat -D PREROUTING 1',
      },
    ],
    'iptables -t nat -A POSTROUTING -o vweb -m conntrack --ctstate DNAT -j MASQUERADE',
  ),
  puzzle(
    'puzzle-hairpin',
    [
      'iptables -I FORWARD -j ACCEPT',
      'iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.2:80',
      // For this one client alone, and behind the host's back.
      {
        type: 'ip netns exec client iptables -t nat -A OUTPUT -d 203.0.113.2 -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.2:80',
        undo: 'ip netns exec client iptables -t nat -F OUTPUT',
        misses: "goes through the host's redirection",
      },
      {
        type: 'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -d 192.168.15.2 -p tcp --dport 8080 -j MASQUERADE',
      },
    ],
    'iptables -t nat -A POSTROUTING -o br0 -m conntrack --ctstate DNAT -j MASQUERADE',
  ),
  // Broad, and right all the same: what it hides beyond the task, the narrow ways above hide too.
  puzzle('puzzle-hairpin', [], 'iptables -t nat -A POSTROUTING -j MASQUERADE'),
  puzzle(
    'puzzle-nat-interface',
    [
      'iptables -A FORWARD -j ACCEPT',
      ...['192.168.15.0/24', 'default'].map((way) => ({
        type: `ip -n outside route add ${way} via 203.0.113.2`,
        undo: `ip -n outside route del ${way}`,
        misses: 'outside still has no route',
      })),
      // Only for the page; and by a name of the host's that outside gives to the stranger.
      {
        type: 'ip -n outside route add 192.168.15.0/24 via 203.0.113.2 table 99; ip -n outside rule add ipproto tcp sport 80 table 99',
        undo: 'ip -n outside rule del table 99; ip -n outside route flush table 99',
        misses: 'outside still has no route',
      },
      {
        type: 'ip netns exec outside iptables -t nat -A INPUT -s 192.168.15.0/24 -j SNAT --to-source 203.0.113.2',
        undo: 'ip netns exec outside iptables -t nat -F INPUT',
      },
      'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -o eth1 -j MASQUERADE',
    ],
    'iptables -t nat -A POSTROUTING -s 192.168.15.0/24 -j SNAT --to-source 203.0.113.2',
  ),
];

const service: readonly LessonWays[] = [
  puzzle(
    'puzzle-loopback-only',
    [
      'ip netns exec web iptables -I INPUT -j ACCEPT',
      'ip netns exec web busybox httpd -p 8080 -h /srv/web-80',
      impostor('192.168.15.2', '/srv/web-80'),
    ],
    'ip netns exec web busybox httpd -p 192.168.15.2:80 -h /srv/web-80',
  ),
  puzzle(
    'puzzle-mtu',
    [
      'iptables -I FORWARD -j ACCEPT',
      'ip -n client link set eth0 mtu 1400; ip -n router link set lan mtu 1400',
      // One end of the narrow piece alone.
      {
        type: 'ip link set vrouter mtu 1500',
        undo: 'ip link set vrouter mtu 1300',
        misses: 'all 20000 bytes',
      },
      // One that fits into a packet.
      {
        type: "cp /srv/web-80/index.html /tmp/whole; echo 'x the end' >/srv/web-80/index.html",
        undo: 'cp /tmp/whole /srv/web-80/index.html',
        misses: 'all 20000 bytes',
      },
      {
        type: 'ip -n client link set eth0 mtu 1500; ip netns exec web sh -c "echo 1 >/proc/sys/net/ipv4/tcp_mtu_probing"',
        undo: 'ip netns exec web sh -c "echo 0 >/proc/sys/net/ipv4/tcp_mtu_probing"',
      },
    ],
    'iptables -t mangle -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu',
  ),
];

export const puzzleWays: readonly LessonWays[] = [...wireWays, ...route, ...firewall, ...service];
