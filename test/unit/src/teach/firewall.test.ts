/** The firewall as nft and iptables print it, read: chains in their order, ports that are redirected. */
import { expect, test } from '@jest/globals';
import { baseChains, parseFirewall } from '../../../../src/diagnose/graph/firewall.ts';
import { askedPlace, targetPlace } from '../../../../src/diagnose/graph/model.ts';

const nft = `table ip minidock {
	map published {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 : 172.17.0.2 . 80,
			     udp . 53 : 172.17.0.3 . 5353 }
	}

	map published_at {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 127.0.0.1 . tcp . 90 : 172.17.0.2 . 90 }
	}

	chain localnet {
		type filter hook prerouting priority raw; policy accept;
		iifname != "lo" ip daddr 127.0.0.0/8 counter packets 3 bytes 180 drop
	}

	chain publish {
		type nat hook prerouting priority dstnat; policy accept;
		dnat ip to ip daddr . meta l4proto . th dport map @published_at
		dnat ip to meta l4proto . th dport map @published
	}

	chain late {
		type filter hook forward priority filter + 5; policy drop;
	}
}
table ip hand {
	chain pre {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr 203.0.113.2 tcp dport 443 dnat to 10.0.0.2:8443
	}
}
# Warning: table ip nat is managed by iptables-nft, do not touch!
table ip nat {
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 9090 counter packets 0 bytes 0 dnat to 10.0.0.1:80
	}
}
`;
const saved = `*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -d 203.0.113.2/32 -p udp -m udp --dport 9000:9001 -j DNAT --to-destination 10.0.0.1:80-81
COMMIT
`;

test('redirections of maps, of rules by hand, and of iptables, each once', () => {
  const { published } = parseFirewall(nft, saved);
  expect(
    published.map(
      ({ protocol, address, port, toAddress, toPort, where }) =>
        `${where}: ${address}:${port}/${protocol} ${toAddress}:${toPort}`,
    ),
  ).toEqual([
    'ip minidock published: :8080/tcp 172.17.0.2:80',
    'ip minidock published: :53/udp 172.17.0.3:5353',
    'ip minidock published_at: 127.0.0.1:90/tcp 172.17.0.2:90',
    'ip hand pre: 203.0.113.2:443/tcp 10.0.0.2:8443',
    'iptables nat PREROUTING: 203.0.113.2:9000-9001/udp 10.0.0.1:80-81',
  ]);
});

test('base chains in the order of a packet, without what iptables itself tells better', () => {
  const chains = baseChains(parseFirewall(nft, saved).chains);
  expect(chains.map(({ tool, name, priority, policy }) => [tool, name, priority, policy])).toEqual([
    ['nft', 'localnet', -300, 'accept'],
    ['nft', 'publish', -100, 'accept'],
    ['nft', 'pre', -100, 'accept'],
    ['iptables', 'PREROUTING', -100, 'accept'],
    ['nft', 'late', 5, 'drop'],
  ]);
  expect(chains[0]?.rules).toEqual(['iifname != "lo" ip daddr 127.0.0.0/8 counter drop']);
});

test('where iptables-save is not there, nft shows its rules', () => {
  const { published } = parseFirewall(nft, '');
  expect(published.some(({ where, port }) => where === 'ip nat PREROUTING' && port === '9090')).toBe(true);
});

test('a map that no rule asks, or none that a packet comes to, redirects nothing', () => {
  const table = (pre: string, publish: string): string => `table ip minidock {
	map published {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 : 172.17.0.2 . 80 }
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		${pre}
	}
	chain publish {
		${publish}
	}
}
`;
  const jump = 'fib daddr type local jump publish';
  const dnat = 'dnat ip to meta l4proto . th dport map @published';
  const ports = (text: string): readonly string[] =>
    parseFirewall(text, '').published.map(({ port }) => port);
  expect(ports(table(jump, dnat))).toEqual(['8080']);
  expect(ports(table(jump, ''))).toEqual([]);
  expect(ports(table('', dnat))).toEqual([]);
  expect(parseFirewall(table('', dnat), '').idle).toHaveLength(1);
});

test('the old iptables beside the new one: neither hides the other', () => {
  const tables = (port: number): string =>
    `*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport ${port} -j DNAT --to-destination 10.0.0.1:80\nCOMMIT\n`;
  const { published } = parseFirewall('', tables(82), { legacy: tables(81) });
  expect(published.map(({ port }) => port)).toEqual(['82', '81']);
  const byHand = parseFirewall(nft, '', { legacy: tables(81) }).published.map(({ port }) => port);
  expect(byHand).toEqual(expect.arrayContaining(['9090', '81']));
});

test('ports of IPv6: elements, rules by hand, and ip6tables, which has tables of the same names', () => {
  const six = `table ip6 minidock {
	map published {
		type inet_proto . inet_service : ipv6_addr . inet_service
		elements = { tcp . 8080 : fd00:a::2 . 80 }
	}
	map published_at {
		type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service
		elements = { 2001:db8::1 . udp . 53 : fd00:a::2 . 5353 }
	}
	chain publish {
		type nat hook prerouting priority dstnat; policy accept;
		dnat ip6 to ip6 daddr . meta l4proto . th dport map @published_at
		dnat ip6 to meta l4proto . th dport map @published
		ip6 daddr 2001:db8::1 tcp dport 443 dnat to [fd00::2]:8443
		tcp dport 444 dnat to fd00::3
	}
}
table ip6 nat {
	chain PREROUTING {
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 9090 counter packets 0 bytes 0 dnat to [fd00::9]:80
	}
}
`;
  const saved6 = `*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d 2001:db8::2/128 -p tcp -m tcp --dport 9090 -j DNAT --to-destination [fd00::9]:80
COMMIT
`;
  const { published, chains } = parseFirewall(six, saved, { saved6 });
  expect(
    published.map((one) => `${one.where}: ${askedPlace(one)}/${one.protocol} ${targetPlace(one)}`),
  ).toEqual([
    'ip6 minidock published: 8080/tcp [fd00:a::2]:80',
    'ip6 minidock published_at: [2001:db8::1]:53/udp [fd00:a::2]:5353',
    'ip6 minidock publish: [2001:db8::1]:443/tcp [fd00::2]:8443',
    'ip6 minidock publish: 444/tcp [fd00::3]:444',
    'iptables nat PREROUTING: 203.0.113.2:9000-9001/udp 10.0.0.1:80-81',
    'ip6tables nat PREROUTING: [2001:db8::2]:9090/tcp [fd00::9]:80',
  ]);
  expect(chains.map(({ tool, name }) => `${tool} ${name}`)).toEqual([
    'nft publish',
    'iptables PREROUTING',
    'ip6tables PREROUTING',
  ]);
});
