/** A NetworkPolicy as a node keeps it: rules by direction, where conntrack tells a new connection from an answer. */
import type { Lesson } from '../../lesson.ts';
import { cable, forwarding, namespace, pageAt } from '../scenery.ts';
import { ADDRESS, closed, denied, gets, type Pod } from './policy-checks.ts';

/** Each has a cable of its own to the node, as Calico lays them: no packet between two pods passes the node unseen. */
const pod = (netns: Pod): string[] => {
  const gateway = ADDRESS[netns].replace(/2$/, '1');
  return [
    ...namespace(netns),
    ...cable({ netns, address: `${ADDRESS[netns]}/24`, hostAddress: `${gateway}/24`, gateway }),
    ...pageAt(netns, `the page of ${netns}`),
  ];
};

/** The policy is about web, and about nobody else. */
const OTHERS = [
  ['shop', 'other'],
  ['other', 'shop'],
] as const;
const ANSWERS_AND_OTHERS = gets(
  'web gets the page of other, and shop and other get each other’s',
  ['web', 'other'],
  ...OTHERS,
);
const SHOP_GETS_WEB = gets('shop gets the page of web', ['shop', 'web']);

const lesson: Lesson = {
  name: 'network-policy',
  group: 'cluster',
  title: 'A NetworkPolicy: who may talk to whom',
  story: `In Kubernetes every pod reaches every other one. A NetworkPolicy selects pods and a direction; what it does not
allow in this direction is denied. The network plugin of each node makes rules of it. You are the plugin.

    web    10.244.1.2 ---- 10.244.1.1 +------+
    shop   10.244.2.2 ---- 10.244.2.1 | host |
    other  10.244.3.2 ---- 10.244.3.1 +------+

Each pod has a page at port 80, and web a second one at port 81.`,
  setup: [
    ...pod('web'),
    ...pageAt('web', 'the second page of web', '81'),
    ...pod('shop'),
    ...pod('other'),
    forwarding(true),
  ],
  steps: [
    {
      id: 'deny',
      title: 'Nobody may open a connection to web',
      task: 'On the node, let no pod open a connection to web, at any port, over TCP or UDP. web itself still gets the pages of others, and shop and other get each other’s.',
      hints: [
        'The node forwards what goes from pod to pod: the hook is forward, the destination 10.244.1.2.',
        'The answers to web’s own requests have the same destination. Only the first packet of a connection is new to conntrack.',
        'iptables -A FORWARD -d 10.244.1.2 -m conntrack --ctstate NEW -j DROP',
      ],
      solution: [
        {
          command:
            "nft 'add table ip pods; add chain ip pods forward { type filter hook forward priority filter; }; add rule ip pods forward ct state established,related accept; add rule ip pods forward ip daddr 10.244.1.2 drop'",
          why: 'Answers belong to an established connection and pass first. What remains for web is new, and dropped: a policy with policyTypes: [Ingress] and no rule.',
        },
      ],
      requirements: [
        closed(
          denied(
            'neither shop nor other opens a connection to web, at port 80, 81 or any other',
            ['shop', 'web', 80],
            ['shop', 'web', 81],
            ['other', 'web', 80],
            ['other', 'web', 81],
          ),
          ['shop', 'web'],
          ['other', 'web'],
        ),
        ANSWERS_AND_OTHERS,
      ],
    },
    {
      id: 'allow',
      title: 'shop may, at one port',
      task: 'Let shop get the page of web at port 80. All other ports of web stay closed to shop, 81 too, and all of them to other.',
      hints: [
        'Policies only ever add permissions. A rule that accepts has to come before the one that drops.',
        'Source, destination, protocol and port: all four belong to the rule.',
        'iptables -I FORWARD -s 10.244.2.2 -d 10.244.1.2 -p tcp --dport 80 -j ACCEPT; with nft: insert rule',
      ],
      solution: [
        {
          command:
            "nft 'insert rule ip pods forward ip saddr 10.244.2.2 ip daddr 10.244.1.2 tcp dport 80 accept'",
          why: 'insert puts the rule first. A real plugin translates podSelector to a set of addresses, and keeps the set up to date as pods come and go.',
        },
      ],
      requirements: [
        SHOP_GETS_WEB,
        closed(
          denied(
            'shop opens no connection to port 81 or any other of web, and other opens none',
            ['shop', 'web', 81],
            ['other', 'web', 80],
            ['other', 'web', 81],
          ),
          ['shop', 'web'],
          ['other', 'web'],
        ),
        ANSWERS_AND_OTHERS,
      ],
    },
    {
      id: 'egress',
      title: 'web opens no connection itself',
      task: 'On the node, let web open no connection to a pod, at any port. shop still gets the page of web, and shop and other get each other’s.',
      hints: [
        'The other direction: now web is the source.',
        'The page that shop gets has web as its source, too. It is an answer.',
        'iptables -A FORWARD -s 10.244.1.2 -m conntrack --ctstate NEW -j DROP',
      ],
      solution: [
        {
          command: "nft 'add rule ip pods forward ip saddr 10.244.1.2 drop'",
          why: 'It comes after the rule for established connections, so answers leave. In Kubernetes such a policy also stops DNS, which then needs a rule of its own.',
        },
      ],
      requirements: [
        closed(
          denied(
            'web opens no connection to shop or other, at any port, and other none to web',
            ['web', 'shop', 80],
            ['web', 'other', 80],
            ['other', 'web', 80],
          ),
          ['web', 'shop'],
          ['web', 'other'],
        ),
        SHOP_GETS_WEB,
        gets('shop and other get each other’s page', ...OTHERS),
      ],
    },
  ],
  epilogue:
    'Calico and kube-router write exactly such rules (iptables with sets of addresses, or nft); Cilium does it in eBPF ' +
    'programs at each pod’s cable. A cluster without such a plugin accepts the policy and enforces nothing.',
};

export const lessons: readonly Lesson[] = [lesson];
