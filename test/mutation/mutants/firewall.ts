/** Rules of nftables and of iptables: who gets in, who gets out, in whose name. */
import { mutantsOf } from '../mutant.ts';

const rules = 'kernel/(firewall|forged)\\. -t nftables';
const iptablesRules = 'kernel/(firewall|forged)\\. -t iptables';

export const firewall = [
  ...mutantsOf(
    'runtime/network/firewall/nftables.ts',
    [`        'iifname != "lo" ip saddr 127.0.0.0/8 drop',\n`, '', rules],
    [`        'iifname != "lo" ip daddr 127.0.0.0/8 drop',\n`, '', rules],
    ['        `iifname "${HOST_VETH_PREFIX}*" drop`,\n', '', rules],
    [
      `        'iifname != "lo" fib saddr oifname @bridges fib saddr . iif oif missing drop',\n`,
      '',
      'kernel/forged\\. -t nftables',
    ],
    [
      "prerouting priority dstnat; policy accept;',\n      rules: ['fib daddr type local jump publish']",
      "prerouting priority dstnat; policy accept;',\n      rules: ['jump publish']",
      rules,
    ],
    [
      "output priority dstnat; policy accept;',\n      rules: ['fib daddr type local jump publish']",
      "output priority dstnat; policy accept;',\n      rules: ['jump publish']",
      rules,
    ],
    [
      "output priority dstnat; policy accept;',\n      rules: ['fib daddr type local jump publish']",
      "output priority dstnat; policy accept;',\n      rules: []",
      rules,
    ],
    ["        'dnat ip to ip daddr . meta l4proto . th dport map @published_at',\n", '', rules],
    [
      "rules: ['iifname . oifname @neighbours accept', 'drop'],",
      "rules: ['iifname . oifname @neighbours accept'],",
      'e2e/networks/networks\\. -t internal|neighbours',
    ],
    [
      "        'iifname . oifname @neighbours accept',\n        'drop',\n",
      "        'iifname . oifname @neighbours accept',\n",
      rules,
    ],
    ["        'ct status dnat accept',\n", '', rules],
    ["        'ct state established,related accept',\n", '', rules],
    ["        'ip saddr 127.0.0.0/8 oifname @bridges masquerade',\n", '', rules],
    ["        'ip saddr . oifname @homes ct status dnat masquerade',\n", '', rules],
    ["        'ip saddr . oifname @homes accept',\n", '', rules],
    ["        'ip saddr @subnets masquerade',\n", '', rules],
    [
      '(internal ? `add element ip ${NFT_TABLE} confined',
      '(false ? `add element ip ${NFT_TABLE} confined',
      'e2e/networks/networks\\. -t internal|neighbours',
    ],
    [
      '(masked ? `add element ip ${NFT_TABLE} subnets',
      '(true ? `add element ip ${NFT_TABLE} subnets',
      'golden|unit/runtime/network|kernel/firewall\\.',
    ],
  ),
  ...mutantsOf(
    'runtime/network/firewall/iptables.ts',
    ['-A MINIDOCK-LOOPBACK ! -i lo -d 127.0.0.0/8 -j DROP\n', '', iptablesRules],
    ['-A MINIDOCK-LOOPBACK ! -i lo -s 127.0.0.0/8 -j DROP\n', '', iptablesRules],
    ['-A MINIDOCK-LOOPBACK -i ${HOST_VETH_PREFIX}+ -j DROP\n', '', iptablesRules],
    ['-A PREROUTING -m addrtype --dst-type LOCAL -j MINIDOCK', '-A PREROUTING -j MINIDOCK', iptablesRules],
    ['-A OUTPUT -m addrtype --dst-type LOCAL -j MINIDOCK', '-A OUTPUT -j MINIDOCK', iptablesRules],
    ['-A MINIDOCK-INBOUND -j DROP\n', '', iptablesRules],
    ['-A MINIDOCK-INBOUND -m conntrack --ctstate DNAT -j ACCEPT\n', '', iptablesRules],
    ['-A MINIDOCK-INBOUND -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n', '', iptablesRules],
    ["    `-A ${turnedBack(network).join(' ')}`,\n", '', iptablesRules],
    ['    `-A MINIDOCK-POSTROUTING -s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`,\n', '', iptablesRules],
    [
      "      ? `-I MINIDOCK-FORWARD ${confinement(bridge).join(' ')}`",
      '      ? `-A MINIDOCK-FORWARD -i ${bridge} -j ACCEPT`',
      'e2e/networks/networks\\. -t internal|neighbours',
    ],
    [
      "['MINIDOCK-POSTROUTING', '-s', subnet, '!', '-o', bridge, '-j', 'MASQUERADE']",
      "['MINIDOCK-POSTROUTING', '-s', subnet, '-j', 'MASQUERADE']",
      iptablesRules,
    ],
    [
      "['!', '-i', bridge, '-s', subnet, '-m',",
      "['-i', bridge, '!', '-s', subnet, '-m',",
      'kernel/forged\\. -t iptables',
    ],
    [
      "isEveryAddress(hostIp) ? [] : ['-d', `${hostIp}/32`]",
      'isEveryAddress(hostIp) ? [] : []',
      iptablesRules,
    ],
  ),
];
