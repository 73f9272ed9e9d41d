/** Puzzles where packets pass and the page still does not come: the socket, and the size of packets. */
import type { Lesson } from '../../lesson.ts';
import { cable, forwarding, namespace, pageAt, pageComes, pings, puzzle } from '../scenery.ts';

const loopbackOnly = puzzle({
  name: 'puzzle-loopback-only',
  title: 'It works on my machine',
  story: `"I see the page", says the one who sits at the server. The host, one cable away, pings the server and is refused the
page.

    host 192.168.15.1 ---- 192.168.15.2 web`,
  setup: [
    ...namespace('web'),
    ...cable({ netns: 'web', address: '192.168.15.2/24', hostAddress: '192.168.15.1/24' }),
    ...pageAt('web', 'the page of web', '127.0.0.1:80'),
  ],
  task: 'Let the host get the page of http://192.168.15.2/. It lies in /srv/web-80.',
  hints: [
    '"Connection refused" comes from the kernel of the server: the packet arrived, and no socket listens. Most ' +
      'firewalls drop silently instead.',
    '`ip netns exec web ss -ltn` shows who listens and at which address.',
    'A socket at 127.0.0.1 hears only its own machine. Start the server anew without an address (`busybox httpd -p 80 -h /srv/web-80`), or one more at 192.168.15.2:80.',
  ],
  solution: [
    {
      command: 'kill $(ip netns pids web); while [ -n "$(ip netns pids web)" ]; do sleep 0.1; done',
      why: 'The server that listens at 127.0.0.1 goes; the address of a socket cannot be altered.',
    },
    {
      command: 'ip netns exec web busybox httpd -p 80 -h /srv/web-80',
      why: 'Without an address it listens at 0.0.0.0, which is every address of its namespace.',
    },
  ],
  requirements: [
    pageComes('the host gets the page of http://192.168.15.2/', 'http://192.168.15.2/', 'the page of web', {
      by: 'web',
    }),
  ],
  epilogue:
    'The commonest reason why `-p 8080:80` "does not work": the program listens at 127.0.0.1, which is the container\'s own loopback interface and not that of the host. `minidock why :8080` says so.',
});

const LENGTH = 20_000;

const mtu = puzzle({
  name: 'puzzle-mtu',
  title: 'Small ones pass',
  story: `The client pings the server, and it answers. The connection is made, the request is sent, and then nothing: the page of
${LENGTH} bytes never comes, though a short one would.

    web 192.168.15.2 ---- host ---- router ---- 192.168.16.2 client`,
  setup: [
    ...namespace('web'),
    ...cable({
      netns: 'web',
      address: '192.168.15.2/24',
      hostAddress: '192.168.15.1/24',
      gateway: '192.168.15.1',
    }),
    'ip netns exec web sh -c "echo 0 >/proc/sys/net/ipv4/tcp_mtu_probing"',
    ...namespace('router'),
    ...cable({
      netns: 'router',
      address: '192.168.17.2/24',
      hostAddress: '192.168.17.1/24',
      gateway: '192.168.17.1',
    }),
    'ip link set vrouter mtu 1300',
    'ip -n router link set eth0 mtu 1300',
    ...namespace('client'),
    'ip -n router link add lan type veth peer name eth0 netns client',
    'ip -n router address add 192.168.16.1/24 dev lan',
    'ip -n router link set lan up',
    'ip -n client address add 192.168.16.2/24 dev eth0',
    'ip -n client link set eth0 up',
    'ip -n client route add default via 192.168.16.1',
    'ip route add 192.168.16.0/24 via 192.168.17.2',
    'ip netns exec router sh -c "echo 1 >/proc/sys/net/ipv4/ip_forward"',
    forwarding(true),
    ...pageAt('web', 'the page of web'),
    // Between namespaces the kernel hands on many segments as one, which no wire does: then a narrow receiver takes them.
    'ip -n web link set eth0 gso_max_segs 1',
    `{ head -c ${LENGTH} /dev/zero | tr '\\0' x; echo ' the end'; } >/srv/web-80/index.html`,
    'nft add table inet tidy',
    "nft add chain inet tidy output '{ type filter hook output priority 0; }'",
    'nft add rule inet tidy output icmp type destination-unreachable counter drop',
  ],
  task: 'Let the client get the whole page of http://192.168.15.2/ within three seconds.',
  hints: [
    'Size is what differs. Ping with a size and forbid cutting: `ip netns exec web ping -c 1 -W 1 -M do -s 1400 192.168.16.2`, then with -s 1200. Where is the limit?',
    '`ip link` along the way shows the narrow piece: between host and router the MTU is 1300. Such a router answers "fragmentation needed" (ICMP), and the sender makes smaller packets. Does that answer leave the host? `nft list ruleset`, look at the counters.',
    'Somebody drops the message on the host (table inet tidy). Remove that, or clamp the MSS of connections that pass (`iptables -t mangle -A FORWARD … -j TCPMSS --clamp-mss-to-pmtu`), or give the server the smaller MTU, or both ends of the narrow piece the larger. (tcp_mtu_probing lets the server find the limit by itself: with 1 only after some seconds of silence, with 2 at once.)',
  ],
  solution: [
    {
      command: 'nft delete table inet tidy',
      why:
        'ICMP is necessary: "fragmentation needed" is the only way for the sender to learn that a link on the way ' +
        'is narrower than its own.',
    },
  ],
  requirements: [
    pings('the client pings the server', '192.168.15.2', { from: 'client', by: 'web' }),
    pageComes(
      `the client gets all ${LENGTH} bytes of http://192.168.15.2/ within three seconds`,
      'http://192.168.15.2/',
      `${'x'.repeat(LENGTH)} the end`,
      { from: 'client', by: 'web' },
    ),
  ],
  epilogue:
    "VPNs, tunnels and clouds have an MTU below 1500, and a container's 1500 then meets just this where ICMP is dropped. Docker has `--mtu` for its bridge; clamping helps for TCP.",
});

export const lessons: readonly Lesson[] = [loopbackOnly, mtu];
