/** The world comes in: a redirection, and a guard that lets past what it is about and no more. */
import { stopAt, type LessonWays } from './ways.ts';

const preroute = (rule: string): { type: string; undo: string } => ({
  type: `iptables -t nat -A PREROUTING ${rule}`,
  undo: 'iptables -t nat -F PREROUTING',
});
const ANSWERS = 'iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT';
/** Each begins with what the policy alone does. */
const forward = (line: string, misses?: string): { type: string; undo: string; misses?: string } => ({
  type: line,
  undo: 'iptables -F FORWARD; iptables -P FORWARD DROP',
  ...(misses === undefined ? {} : { misses }),
});

export const publishWays: LessonWays = {
  lesson: 'publish',
  steps: {
    dnat: {
      wrong: [
        preroute('-p tcp --dport 8080 -j DNAT --to-destination 192.168.15.10:80'),
        preroute('-p tcp --dport 8080 -j DNAT --to-destination 192.168.15.2:80'),
        preroute('-p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:8080'),
        preroute('-p udp --dport 8080 -j DNAT --to-destination 192.168.15.1:80'),
        preroute('-p tcp --dport 80 -j DNAT --to-destination 192.168.15.1:80'),
        preroute('-p tcp --dport 8080 -i veth-host -j DNAT --to-destination 192.168.15.1:80'),
        preroute('-p tcp --dport 8080 -j REDIRECT --to-ports 80'),
        { ...preroute('-p tcp -j DNAT --to-destination 192.168.15.1:80'), misses: 'other ports' },
        {
          type: 'iptables -t nat -A OUTPUT -p tcp --dport 8080 -j DNAT --to-destination 192.168.15.1:80',
          undo: 'iptables -t nat -F OUTPUT',
        },
        { type: 'busybox httpd -p 8080 -h /srv/red', undo: stopAt(8080) },
      ],
      right:
        "nft 'table ip mine { chain in { type nat hook prerouting priority -100; tcp dport 8080 dnat to 192.168.15.1:80; }; }'",
    },
    forward: {
      wrong: [
        forward('iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT', 'outside gets red’s page'),
        forward('iptables -P FORWARD ACCEPT'),
        forward('iptables -A FORWARD -p tcp -j ACCEPT'),
        forward(`${ANSWERS}; iptables -A FORWARD -d 192.168.15.1 -j ACCEPT`, 'another port of red'),
        forward(`${ANSWERS}; iptables -A FORWARD -i eth0 -p tcp -j ACCEPT`, 'another port of red'),
        forward(
          `${ANSWERS}; iptables -A FORWARD -p tcp -d 192.168.15.1 -m multiport --dports 80,443 -j ACCEPT`,
          'another port of red',
        ),
        forward(
          `${ANSWERS}; iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT; iptables -A FORWARD -p udp -s 192.168.15.1 -j ACCEPT`,
          'nothing else passes',
        ),
        // From port 80, by any sender.
        forward(
          'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT; iptables -A FORWARD -p tcp --sport 80 -j ACCEPT',
          'another port of red',
        ),
        // Nobody is there any more to be reached by what red begins.
        {
          type: `iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT; iptables -A FORWARD -p tcp -s 192.168.15.1 -j ACCEPT; kill $(ip netns pids outside)`,
          undo: 'iptables -F FORWARD; ip netns exec outside busybox httpd -p 80 -h /srv/outside-80',
        },
      ],
      right:
        'iptables -A FORWARD -p tcp -d 192.168.15.1 --dport 80 -j ACCEPT; iptables -A FORWARD -p tcp -s 192.168.15.1 --sport 80 -j ACCEPT',
    },
  },
};
