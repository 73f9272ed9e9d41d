/** Where the article's rules fail: a redirection of too much, and a filter that is open one way. */
import { stopAt, type LessonWays } from './ways.ts';

const OUTPUT = 'iptables -t nat -A OUTPUT -p tcp --dport 8080';
const TO_RED = '-j DNAT --to-destination 192.168.15.1:80';
const LOOPBACK =
  'echo 1 >/proc/sys/net/ipv4/conf/veth-host/route_localnet; iptables -t nat -A POSTROUTING -s 127.0.0.0/8 -o veth-host -j MASQUERADE';

const greedyDnat: LessonWays = {
  lesson: 'article-greedy-dnat',
  steps: {
    see: {
      wrong: [
        // Asking twice is not a way: the first look must not leave what the second one finds.
        'true',
        'true',
        // This connection the rule was made for.
        'ip netns exec outside busybox wget -qO- http://203.0.113.2:8080/',
      ],
      right: 'ip netns exec green busybox wget -qO- http://198.51.100.7:8080/',
    },
    local: {
      wrong: [
        // One machine is excepted, and the next one is caught.
        {
          type: 'iptables -t nat -I PREROUTING 1 -d 198.51.100.7 -p tcp --dport 8080 -j ACCEPT',
          undo: 'iptables -t nat -D PREROUTING 1',
          misses: 'any machine',
        },
        { type: 'iptables -t nat -R PREROUTING 1 -p tcp --dport 8080 -i vgreen -j ACCEPT' },
        `iptables -t nat -R PREROUTING 1 -d 198.51.100.7 -p tcp --dport 8080 ${TO_RED}`,
        // One sender is excepted.
        {
          type: `iptables -t nat -R PREROUTING 1 ! -s 192.168.16.1 -p tcp --dport 8080 ${TO_RED}`,
          misses: 'red gets',
        },
        { type: 'iptables -t nat -F PREROUTING', misses: 'outside gets' },
        { type: 'busybox httpd -p 8080 -h /srv/red-80', undo: stopAt(8080), misses: 'outside gets' },
      ],
      right: `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 ${TO_RED}`,
    },
    own: {
      wrong: [
        { type: 'busybox httpd -p 8080 -h /srv/red-80', undo: stopAt(8080) },
        { type: `${OUTPUT} -m addrtype --dst-type LOCAL ${TO_RED}`, misses: '127.0.0.1' },
        // The very mistake that this lesson is about, once more.
        {
          type: `${LOOPBACK}; iptables -t nat -F OUTPUT; ${OUTPUT} ${TO_RED}`,
        },
        {
          type: `iptables -t nat -F OUTPUT; ${OUTPUT} ! -d 198.51.100.7 ${TO_RED}`,
          misses: 'of any machine',
        },
        {
          type: `iptables -t nat -F OUTPUT; ${OUTPUT} -m addrtype --dst-type LOCAL ${TO_RED}; iptables -t nat -F PREROUTING`,
          undo: `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport 8080 ${TO_RED}; iptables -t nat -F OUTPUT`,
          misses: 'outside gets',
        },
      ],
      right: `for a in 203.0.113.2 127.0.0.1; do ${OUTPUT} -d $a ${TO_RED}; done`,
    },
  },
};

const oneWay: LessonWays = {
  lesson: 'article-one-way-forward',
  steps: {
    see: {
      wrong: [
        'true',
        'true',
        // Dropped, but no answer.
        'ip netns exec red ping -c 1 -W 1 203.0.113.1 || true',
      ],
      right: 'ip netns exec outside busybox wget -T 1 -qO- http://203.0.113.2:8080/ 2>/dev/null || true',
    },
    mend: {
      wrong: [
        'iptables -P FORWARD ACCEPT',
        {
          type: `kill $(ip netns exec red ss -Hltnp 'sport = :81' | grep -o 'pid=[0-9]*' | cut -d= -f2)`,
          undo: 'ip netns exec red busybox httpd -p 81 -h /srv/red-81',
        },
        {
          type: 'ip -n outside route del 192.168.15.0/24',
          undo: 'ip -n outside route add 192.168.15.0/24 via 203.0.113.2',
          misses: 'the host must close',
        },
        {
          type: 'ip netns exec outside iptables -A OUTPUT -d 192.168.15.1 -j DROP',
          undo: 'ip netns exec outside iptables -F OUTPUT',
          misses: 'the host must close',
        },
        // All but this one port.
        {
          type: 'iptables -I FORWARD -p tcp -d 192.168.15.1 --dport 81 -j DROP',
          undo: 'iptables -D FORWARD 1; iptables -P FORWARD DROP',
          misses: 'another port of red',
        },
        // Anybody can send an ACK.
        {
          type: 'iptables -A FORWARD -p tcp ! --syn -j ACCEPT',
          undo: 'iptables -D FORWARD 2',
          misses: 'another port of red',
        },
        // Or send from port 80.
        {
          type: 'iptables -A FORWARD -p tcp --sport 80 -j ACCEPT',
          undo: 'iptables -D FORWARD 2',
          misses: 'another port of red',
        },
        {
          type: 'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 443 -j ACCEPT',
          undo: 'iptables -D FORWARD 3; iptables -D FORWARD 2',
          misses: 'another port of red',
        },
        {
          type: 'iptables -A FORWARD -s 192.168.15.1 -j DROP; iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
          undo: 'iptables -D FORWARD 3; iptables -D FORWARD 2',
          misses: 'outside gets',
        },
      ],
      right: 'iptables -A FORWARD -p tcp -s 192.168.15.1 --sport 80 -j ACCEPT',
    },
  },
};

export const articleFirewallWays: readonly LessonWays[] = [greedyDnat, oneWay];
