/** Who may open a connection: the errors are a direction, an order, or an answer forgotten. */
import type { LessonWays, Wrong } from './ways.ts';

const WEB = '10.244.1.2';
const SHOP = '10.244.2.2';
const OTHER = '10.244.3.2';
const NEW = '-m conntrack --ctstate NEW';

/** One rule, taken back by its own words. */
const rule = (words: string, misses?: string): Wrong => ({
  type: `iptables ${words}`,
  undo: `iptables ${words.replace(/^-[AI]/, '-D')}`,
  ...(misses === undefined ? {} : { misses }),
});

export const networkPolicyWays: LessonWays = {
  lesson: 'network-policy',
  steps: {
    deny: {
      wrong: [
        rule(`-A INPUT -d ${WEB} -j DROP`),
        rule(`-A FORWARD -d ${WEB} -j DROP`, 'web gets the page of other'),
        rule(`-A FORWARD -s ${OTHER} -d ${WEB} ${NEW} -j DROP`, 'found: connections from shop to port'),
        rule(`-A FORWARD -d ${WEB} -p tcp --dport 80 -j DROP`, 'to port 81 of web'),
        // The ports that a server listens at today, and TCP alone.
        rule(`-A FORWARD -d ${WEB} -p tcp --dport 80:81 -j DROP`, 'another port of web'),
        rule(`-A FORWARD -d ${WEB} -p tcp ${NEW} -j DROP`, 'another port of web'),
        // In the pods, which may do as they like with their own rules.
        {
          type: `ip netns exec web iptables -A INPUT ${NEW} -j DROP`,
          undo: 'ip netns exec web iptables -F',
        },
        {
          type: `for pod in shop other; do ip netns exec $pod iptables -A OUTPUT -d ${WEB} ${NEW} -j DROP; done`,
          undo: 'for pod in shop other; do ip netns exec $pod iptables -F; done',
          misses: 'shop itself sends nothing',
        },
      ],
      right: `iptables -A FORWARD -d ${WEB} ${NEW} -j DROP`,
    },
    allow: {
      wrong: [
        rule(
          `-I FORWARD -d ${WEB} -p tcp --dport 80 -j ACCEPT`,
          'found: connections from other to port 80 of web',
        ),
        rule(`-I FORWARD -s ${SHOP} -d ${WEB} -j ACCEPT`, 'found: connections from shop to port 81 of web'),
        rule(`-A FORWARD -s ${SHOP} -d ${WEB} -p tcp --dport 80 -j ACCEPT`, 'shop gets the page of web'),
        rule(
          `-I FORWARD -s ${SHOP} -d ${WEB} -p tcp -m multiport --dports 80,443 -j ACCEPT`,
          'another port of web',
        ),
      ],
      right: `iptables -I FORWARD -s ${SHOP} -d ${WEB} -p tcp --dport 80 -j ACCEPT`,
    },
    egress: {
      wrong: [
        rule(`-I FORWARD -s ${WEB} -j DROP`, 'shop gets the page of web'),
        rule(`-A FORWARD -s ${WEB} -d ${OTHER} -j DROP`, 'found: connections from web to port 80 of shop'),
        rule(`-A FORWARD -s ${WEB} -p tcp --dport 80 ${NEW} -j DROP`, 'to another port of shop'),
        {
          type: `ip netns exec web iptables -A OUTPUT ${NEW} -j DROP`,
          undo: 'ip netns exec web iptables -F',
          misses: 'web itself sends nothing',
        },
      ],
      right: `iptables -A FORWARD -s ${WEB} ${NEW} -j DROP`,
    },
  },
};
