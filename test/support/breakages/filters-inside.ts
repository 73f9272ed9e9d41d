/** Rules of a packet filter in a container's own network namespace, and what they are taken for. */
import { fetch, INTERNET, outside, PUBLISHED, type Breakage } from './terms.ts';

const within = (who: 'WEB' | 'APP', hook: string, rules: string): Pick<Breakage, 'broken' | 'undo'> => ({
  broken: `$${who}_NS nft 'table inet strict { chain gate { type filter hook ${hook} priority 0; ${rules}; }; }'`,
  undo: `$${who}_NS nft delete table inet strict`,
});

/** A program of web that sends datagrams back. */
const ECHO =
  "$WEB_NS perl -MSocket -e 'socket($s, PF_INET, SOCK_DGRAM, 0); bind($s, sockaddr_in(53, INADDR_ANY)); " +
  "while ($from = recv($s, $data, 99, 0)) { send($s, $data, 0, $from) }' >/dev/null 2>&1 & echo $! >$DIR/echo; " +
  "until $WEB_NS ss -Hlun | grep -q ':53 '; do kill -0 $(cat $DIR/echo); done";

export const filtersInside: readonly Breakage[] = [
  {
    name: 'a policy of a filter inside the container, and its exceptions',
    ...within('WEB', 'input', 'policy drop; iif lo accept; tcp dport 22 accept'),
    client: PUBLISHED,
    asked: [...outside('no-answer'), [['app -> web:80'], 'no-answer'], [['web:80'], 'no-answer']],
    mended: true,
  },
  {
    name: 'a rule of iptables inside the container that refuses',
    broken: '$WEB_NS iptables -A INPUT -p tcp --dport 80 -j REJECT --reject-with tcp-reset',
    undo: '$WEB_NS iptables -F INPUT',
    client: PUBLISHED,
    asked: outside('rejected'),
    mended: true,
  },
  {
    name: 'a rule inside the container that drops its answers',
    ...within('WEB', 'output', 'tcp sport 80 drop'),
    client: PUBLISHED,
    asked: outside('no-answer'),
    mended: true,
  },
  {
    name: "a client's own rule that drops what it sends",
    ...within('APP', 'output', `ip daddr ${INTERNET} drop`),
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'vanished']],
    mended: true,
  },
  {
    name: "a client's own rule that refuses what it sends, and its exception",
    broken: '$APP_NS iptables -A OUTPUT -p tcp --dport 80 -j REJECT',
    undo: '$APP_NS iptables -F OUTPUT',
    client: `$APP_NS ${fetch(`http://${INTERNET}/`)}`,
    asked: [[[`app -> ${INTERNET}:80`], 'own-filter']],
    mended: true,
  },
  {
    name: 'a rule inside the container about datagrams',
    broken: `${ECHO}; $WEB_NS iptables -A INPUT -p udp -j DROP`,
    undo: '$WEB_NS iptables -F INPUT; kill $(cat $DIR/echo)',
    asked: [[['app -> web:53/udp'], 'no-answer']],
    mended: true,
  },
  {
    name: "a client's own rule about datagrams",
    broken: `${ECHO}; $APP_NS iptables -A OUTPUT -p udp -j DROP`,
    undo: '$APP_NS iptables -F OUTPUT; kill $(cat $DIR/echo)',
    asked: [[['app -> web:53/udp'], 'own-filter']],
    mended: true,
  },
];
