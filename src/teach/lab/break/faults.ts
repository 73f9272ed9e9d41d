/** What can be wrong in the network of `lab break`: how it is broken, where to look, and one way to repair it. */
import type { Dice, Network } from './network.ts';

export interface Fault {
  readonly breaks: readonly string[];
  /** The last hint; those before it are the same for all. */
  readonly look: string;
  readonly repair: string;
  readonly why: string;
}

/** Each returns its fault in such a network. */
export const FAULTS: readonly ((network: Network, dice: Dice) => Fault)[] = [
  () => ({
    breaks: ['ip link set vweb down'],
    look: 'A cable has two ends, and both have to be up: `ip -br link`.',
    repair: 'ip link set vweb up',
    why: 'The end of web’s cable that is on the bridge was down.',
  }),
  () => ({
    breaks: ['ip link set vweb nomaster'],
    look: 'Which interfaces are ports of the bridge? `bridge link`.',
    repair: 'ip link set vweb master br0',
    why: 'web’s cable ended at the host and not at the switch.',
  }),
  ({ far }) => ({
    breaks: ['ip -n web route del default'],
    look: 'Every conversation has a way back: `ip -n web route`.',
    repair: `ip -n web route add default via ${far}`,
    why: 'web got the request and had no route for the answer.',
  }),
  ({ near }, dice) => {
    const wrong = near.replace(/\.1$/, `.${String(50 + dice(150))}`);
    return {
      breaks: [`ip -n client route replace default via ${wrong}`, 'iptables -t nat -F PREROUTING'],
      look: 'There are two faults. Who is client’s gateway (`ip -n client route`), and who translates the port (`iptables -t nat -S`)?',
      repair: `ip -n client route replace default via ${near}; PUBLISH`,
      why: 'Nobody has the address of that gateway; and the rule of the published port was gone.',
    };
  },
  () => ({
    breaks: ['echo 0 >/proc/sys/net/ipv4/ip_forward'],
    look: 'Is the host a router? `sysctl net.ipv4.ip_forward`.',
    repair: 'sysctl -w net.ipv4.ip_forward=1',
    why: 'A host that does not forward keeps only packets for itself.',
  }),
  ({ web }) => ({
    breaks: [`iptables -I FORWARD 1 -d ${web} -p tcp --dport 80 -j DROP`],
    look: 'Rules are asked in order, and the first that matches decides: `iptables -nvL FORWARD`.',
    repair: `iptables -D FORWARD -d ${web} -p tcp --dport 80 -j DROP`,
    why: 'A drop stood before the accept.',
  }),
  () => ({
    breaks: [
      "nft 'table inet office { chain watch { type filter hook forward priority 20; tcp dport 80 drop; }; }'",
    ],
    look: 'More than one firewall may stand at a hook, and each has to accept: `nft list ruleset`.',
    repair: 'nft delete table inet office',
    why: 'iptables accepted the packet, and another table dropped it afterwards.',
  }),
  ({ far }) => ({
    breaks: [`ip address del ${far}/24 dev br0`],
    look: 'The host is on a switch only with an address on the bridge: `ip -br address`.',
    repair: `ip address add ${far}/24 dev br0`,
    why: 'Without that address the host is no gateway, and has no route to that subnet.',
  }),
  ({ web }, dice) => {
    const mac = `02:00:00:00:00:${(16 + dice(200)).toString(16)}`;
    return {
      breaks: [`ip neigh replace ${web} lladdr ${mac} dev br0 nud permanent`],
      look: 'Whose hardware address does the host use for web? `ip neigh`, and `ip -n web -br link`.',
      repair: `ip neigh del ${web} dev br0`,
      why: 'An entry typed by hand named a machine that is not there; no answer changes a permanent one.',
    };
  },
  ({ client, web }) => ({
    breaks: [`ip -n web route add blackhole ${client}/32`, 'ip -n web route add blackhole 203.0.113.0/24'],
    look: `Ask web for its way to client: \`ip -n web route get ${client}\`; and \`ip -n web route\` shows all.`,
    repair: `ip -n web route del blackhole ${client}/32; ip -n web route del blackhole 203.0.113.0/24`,
    why: `Answers of ${web} were dropped by its own routes.`,
  }),
  () => ({
    breaks: [
      'kill $(ip netns pids web); while [ -n "$(ip netns pids web)" ]; do sleep 0.05; done',
      'ip netns exec web busybox httpd -p 127.0.0.1:80 -h /srv/web-80 </dev/null >/dev/null 2>&1',
    ],
    look: 'Refused means that the packet arrives. Who listens, and at which address? `ip netns exec web ss -ltn`. The page lies in /srv/web-80.',
    repair:
      'kill $(ip netns pids web); while [ -n "$(ip netns pids web)" ]; do sleep 0.1; done; ip netns exec web busybox httpd -p 80 -h /srv/web-80',
    why: 'The server listened at its own loopback address only.',
  }),
  ({ web, port }) => ({
    breaks: [
      'iptables -t nat -F PREROUTING',
      `iptables -t nat -A PREROUTING -d 203.0.113.2 -p tcp --dport ${String(port)} -j DNAT --to-destination ${web}:8080`,
    ],
    look: 'Where does the published port lead? `iptables -t nat -S PREROUTING`.',
    repair: 'iptables -t nat -F PREROUTING; PUBLISH',
    why: 'The rule translated to a port where nobody listens.',
  }),
];
