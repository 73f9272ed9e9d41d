/** The words of the table of breakages: what a row says, the host that it breaks, and pieces of scripts. */

export interface Breakage {
  readonly name: string;
  /** A script of bash in the host; it has $WEB, $APP (addresses), $WEB_NS (enters web's network), $WEB_LINK, $WEB_PID. */
  readonly broken: string;
  readonly undo: string;
  /** What is asked, and the code of the cause; and where it works all the same, 'works'. */
  readonly asked: readonly (readonly [words: readonly string[], code: string])[];
  /** A client's own way to see that it is broken: fails while it is; absent where the failure is not one of a fetch. */
  readonly client?: string;
  /** The suggested fix is a command: it is typed, and what was asked first works then. `undo` has to bear that. */
  readonly mended?: true;
}

/** By the names of the other file: web serves 8080:80, app only sleeps, red is a namespace at a bridge of its own. */
export const SCENERY = `
ip link add br7 type bridge
ip addr add 10.7.0.1/24 dev br7
ip link set br7 up
for n in red blue; do
  ip netns add $n
  ip link add v$n type veth peer name eth0 netns $n
  ip link set v$n master br7 up
  ip -n $n link set lo up
  ip -n $n link set eth0 up
done
ip -n red addr add 10.7.0.2/24 dev eth0
ip -n blue addr add 10.7.0.3/24 dev eth0
for n in red blue; do ip -n $n route add default via 10.7.0.1; done
mkdir -p "$DIR/blue"; echo blue >"$DIR/blue/index.html"
ip netns exec blue busybox httpd -p 80 -h "$DIR/blue"
`;

export const OUTSIDE = 'outside -> :8080';
export const outside = (code: string): Breakage['asked'] => [[[OUTSIDE], code]];
export const INTERNET = '198.51.100.10';
export const fetch = (url: string): string => `busybox wget -q -T 1 -O /dev/null ${url}`;
export const PUBLISHED = `nsenter --net="$OUTSIDE_NS" ${fetch('http://192.0.2.2:8080/')}`;
const macShown = (show: string): string => `$(${show} | grep -o '"address":"[^"]*"' | cut -d'"' -f4)`;
/** The hardware address of a container, as a script reads it. */
export const macOf = (name: 'WEB' | 'APP'): string => macShown(`\$${name}_NS ip -j link show eth0`);
export const BRIDGE_MAC = macShown('ip -j link show minidock0');
/** A neighbour that is known needs no ARP. */
export const FORGET =
  'ip neigh flush all; $WEB_NS ip neigh flush all; $APP_NS ip neigh flush all; ip -n red neigh flush all; ip -n blue neigh flush all';
/** The world as a namespace with a name, behind the default route. */
export const WORLD = [
  'ip netns add world',
  'ip link add vworld type veth peer name eth0 netns world',
  'ip addr add 203.0.113.2/24 dev vworld',
  'ip link set vworld up',
  'ip -n world addr add 203.0.113.1/24 dev eth0',
  'ip -n world link set eth0 up',
  'ip route replace default via 203.0.113.1',
  'ip netns exec world busybox httpd -p 80 -h "$DIR/blue"',
].join('; ');
/** A program with the socket $s, until it is killed; it has done its lines when it says so. Perl is in every Debian. */
export const perl = (lines: string, where = '', after = 'sleep 100'): string =>
  `${where} perl -MSocket -e 'socket($s, PF_INET, SOCK_STREAM, 0); ${lines}; open(F, ">", "$ENV{DIR}/ready"); ${after}' >/dev/null 2>&1 & echo $! >$DIR/perl; ` +
  'until [ -e $DIR/ready ]; do kill -0 $(cat $DIR/perl); done; rm $DIR/ready';
/** Connections that nobody closes; a connect(2) that has to wait does not. */
export const connections = (count: number, port: number, address: string): string =>
  `for (1..${count}) { socket($c, PF_INET, SOCK_STREAM | 2048, 0); connect($c, sockaddr_in(${port}, inet_aton(${address}))); push @c, $c; undef $c }`;
export const NO_WORLD =
  'ip route replace default via 192.0.2.1; ip link del vworld; iptables -t nat -F POSTROUTING; kill $(ip netns pids world); ip netns del world';
export const table = (body: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `nft 'table ip strict { ${body}; }'`,
  undo: 'nft delete table ip strict',
});
export const forward = (rule: string): Pick<Breakage, 'broken' | 'undo'> =>
  table(`chain gate { type filter hook forward priority 10; ${rule}; }`);
export const rpFilter = (value: number): string =>
  `for f in all eth0; do echo ${value} >/proc/sys/net/ipv4/conf/$f/rp_filter; done`;
