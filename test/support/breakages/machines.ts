/** Mistakes within a container or with its programs: names, ports that others hold, settings of its own. */
import type { Breakage } from './terms.ts';

/** Two containers on a network with names, with one's /etc/hosts or resolv.conf changed. */
const named = (change: string, flags = ''): Pick<Breakage, 'broken' | 'undo'> => ({
  broken:
    '$MINIDOCK network create office; $MINIDOCK run -d --name desk --network office test httpd -f -p 80 -h /www; ' +
    `$MINIDOCK run -d --name clerk --network office ${flags} test sleep 1000; ${change}`,
  undo: '$MINIDOCK rm -f desk clerk; $MINIDOCK network rm office',
});
const typed = (line: string): string => `$MINIDOCK exec clerk sh -c '${line}'`;
const DESK: Breakage['asked'][number][0] = ['clerk -> desk:80'];

export const machines: readonly Breakage[] = [
  {
    name: "a wrong entry for a name in a client's /etc/hosts",
    ...named(typed('echo "10.9.9.9 desk" >>/etc/hosts')),
    asked: [
      [DESK, 'hosts-entry'],
      [['desk:80'], 'works'],
    ],
    mended: true,
  },
  {
    name: 'the same by a flag of run',
    ...named('true', '--add-host desk:10.9.9.9'),
    asked: [[DESK, 'hosts-entry']],
  },
  {
    name: 'a right entry, and other names',
    ...named(
      typed(
        'echo "10.9.9.9 desktop # desk" >>/etc/hosts; echo "$(nslookup desk | sed -n "s/^Address: \\(1.*\\)/\\1/p" | tail -1) Desk" >>/etc/hosts',
      ),
    ),
    asked: [[DESK, 'works']],
  },
  {
    name: "somebody else's name server in a container",
    ...named(typed('echo "nameserver 192.0.2.1" >/etc/resolv.conf')),
    asked: [[DESK, 'name-server']],
    mended: true,
  },
  {
    name: 'the rules in a container that lead to the name server are gone',
    ...named('nsenter -t $($MINIDOCK inspect -f {{.State.Pid}} clerk) -n nft flush ruleset'),
    asked: [[DESK, 'name-server']],
    mended: true,
  },
  {
    name: 'an /etc/hosts that never ends',
    ...named(typed('umount /etc/hosts && rm -f /etc/hosts && mkfifo /etc/hosts'), '--privileged'),
    asked: [[DESK, 'works']],
  },
  {
    name: "a stopped container's port that another program has taken",
    // Not web: the table knows the process that it has.
    broken:
      '$MINIDOCK run -d --name few -p 8096:80 test httpd -f -p 80 -h /www; $MINIDOCK stop -t 0 few; busybox httpd -p 8096 -h $DIR/blue',
    undo: "kill $(ss -Hltnp 'sport = :8096' | grep -o 'pid=[0-9]*' | head -1 | cut -d= -f2); $MINIDOCK rm -f few",
    asked: [
      [['outside -> :8096'], 'port-taken'],
      [['host', ':8096'], 'port-taken'],
      [['few:80'], 'port-taken'],
    ],
  },
];
