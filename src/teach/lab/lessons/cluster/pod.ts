/** A Kubernetes pod by hand: a process that only holds namespaces, and two containers that join them. */
import type { Lesson } from '../../lesson.ts';
import { bridge } from '../scenery.ts';
import { need, needProcess } from '../seen.ts';

/** The namespaces of a pod belong to a network namespace that is neither the lab's, nor a node's neighbour. */
const OURS = `own net && own uts && own ipc && [ "$(stat -Lc %i $p/ns/net)" != "$(stat -Lc %i /run/netns/outside)" ]`;
const HAS_ADDRESS = 'nsenter --net=$p/ns/net ip -o -4 address show scope global | grep -qw 10.244.0.10/24';
const IN_POD = `${OURS} && ${HAS_ADDRESS}`;
const WORDS = `tr '\\0' ' ' <$p/cmdline`;

/** Two processes in the same network, UTS and IPC namespaces, with different mount namespaces. */
const container = (pattern: string): string =>
  `${IN_POD} && own mnt && own pid && ${WORDS} | grep -Eq '${pattern}'`;

const WEB = '(^|/)(busybox )?httpd ';

const pod: Lesson = {
  name: 'pod',
  group: 'cluster',
  title: 'A Kubernetes pod by hand',
  story:
    'A pod is a few containers that are neighbours in one house: they share the network, the host name and the IPC ' +
    'objects, and have files and processes of their own. If the namespaces belonged to one of the containers, they ' +
    'would go with it, and the address, too. So the first process of each pod does nothing but hold them: pause. ' +
    'On this host is a bridge cni0 with the address 10.244.0.1.',
  setup: [
    ...bridge('cni0', '10.244.0.1/24'),
    'mkdir -p /srv/web',
    'echo "hello from the pod" >/srv/web/index.html',
    'mkdir -p /srv/web2',
    'echo "hello again" >/srv/web2/index.html',
  ],
  steps: [
    {
      id: 'pause',
      title: 'Someone who holds the door',
      task: 'Start a process in a network, UTS and IPC namespace of its own, with the host name shop. Keep its PID in /run/pause.',
      hints: [
        'It only has to stay: sleep will do.',
        'unshare takes several kinds at once, and the shell that it starts can set the name first.',
        "unshare --net --uts --ipc sh -c 'hostname shop; echo $$ >/run/pause; exec sleep infinity' &",
      ],
      solution: [
        {
          command:
            "unshare --net --uts --ipc sh -c 'hostname shop; echo $$ >/run/pause; exec sleep infinity' </dev/null >/dev/null 2>&1 &",
          why: 'Kubernetes’ own is a program of 700 kB that sleeps and reaps orphans. The image is registry.k8s.io/pause.',
        },
        {
          command: 'until [ -s /run/pause ]; do sleep 0.1; done; lsns -n -o TYPE,NS -p $(cat /run/pause)',
          why: 'Three kinds of its own, and the rest is the host’s.',
        },
      ],
      requirements: [
        need(
          'the process of /run/pause runs in a network, UTS and IPC namespace of its own',
          `p=/proc/$(cat /run/pause); ${OURS}`,
        ),
        need(
          'its host name is shop',
          'p=/proc/$(cat /run/pause); own uts && [ "$(nsenter --uts=$p/ns/uts uname -n)" = shop ]',
        ),
      ],
    },
    {
      id: 'network',
      title: 'The address of the pod',
      task: 'Connect the pod to cni0: eth0 with 10.244.0.10/24, and a default route by way of 10.244.0.1. lo is up, too.',
      hints: [
        'As for any container: a cable, one end on the bridge, the other in the namespace. This is the work of a CNI plugin.',
        '"ip netns attach shop PID" gives the namespace a name, so that "ip -n shop" works.',
        'ip link add vshop type veth peer name eth0 netns shop; ip link set vshop master cni0 up; ip -n shop …',
      ],
      solution: [
        { command: 'ip netns attach shop $(cat /run/pause)', why: 'Only a name: /run/netns/shop.' },
        {
          command: 'ip link add vshop type veth peer name eth0 netns shop; ip link set vshop master cni0 up',
          why: 'The cable; its end on the host becomes a port of the switch.',
        },
        {
          command:
            'ip -n shop address add 10.244.0.10/24 dev eth0; ip -n shop link set eth0 up; ip -n shop link set lo up; ip -n shop route add default via 10.244.0.1',
          why: 'There is one address for the whole pod, and none for a container.',
        },
      ],
      requirements: [
        needProcess('a process of a pod has 10.244.0.10/24', IN_POD),
        {
          text: 'the host reaches the pod at 10.244.0.10, and its default route is by way of 10.244.0.1',
          holds: async (host) => {
            const pid = (await host.run(['cat', '/run/pause'])).stdout.trim();
            if (!/^\d+$/.test(pid)) return false;
            const route = [
              'nsenter',
              `--net=/proc/${pid}/ns/net`,
              'ip',
              'route',
              'get',
              '198.51.100.7',
            ] as const;
            const { stdout } = await host.run(route);
            return stdout.includes('via 10.244.0.1 ') && (await host.ping('10.244.0.10'));
          },
        },
        need(
          '127.0.0.1 is up in the pod',
          'nsenter --net=/proc/$(cat /run/pause)/ns/net ip -o link show lo | grep -q "[<,]UP[,>]"',
        ),
      ],
    },
    {
      id: 'containers',
      title: 'Two containers',
      task:
        'Start a web server for /srv/web on port 80 in the pod (busybox httpd -f), and beside it a process "sleep 8000". ' +
        'Both are in the network, UTS and IPC namespace of the pod, and each has its own mount and PID namespace.',
      hints: [
        'nsenter enters the three, unshare makes the two.',
        'nsenter --target PID --net --uts --ipc unshare --mount --pid --fork PROGRAM',
        'nsenter --target $(cat /run/pause) --net --uts --ipc unshare --mount --pid --fork --kill-child busybox httpd -f -p 80 -h /srv/web &',
      ],
      solution: [
        {
          command:
            'join() { nsenter --target $(cat /run/pause) --net --uts --ipc unshare --mount --pid --fork --kill-child "$@" </dev/null >/dev/null 2>&1 & }; join busybox httpd -f -p 80 -h /srv/web; join sleep 8000',
          why: 'With "docker run --network container:PAUSE --ipc container:PAUSE" or minidock’s it is the same.',
        },
        {
          command:
            'until nsenter --target $(cat /run/pause) --net busybox wget -qO- http://127.0.0.1/; do sleep 0.1; done',
          why: 'Neighbours in a pod speak over 127.0.0.1, and cannot both have port 80.',
        },
      ],
      requirements: [
        needProcess('the web server is in the pod, with its own mount and PID namespace', container(WEB)),
        needProcess('so is sleep 8000', container('^sleep 8000 $')),
        need(
          'these two do not share a mount or PID namespace, and are in the namespaces of the pause process',
          `web='' other=''; pause=/proc/$(cat /run/pause)
for p in /proc/[0-9]*; do
  own mnt && own pid || continue
  [ "$(readlink $p/ns/net) $(readlink $p/ns/uts) $(readlink $p/ns/ipc)" = "$(readlink $pause/ns/net) $(readlink $pause/ns/uts) $(readlink $pause/ns/ipc)" ] || continue
  case $(${WORDS}) in 'sleep 8000 ') other="$(readlink $p/ns/mnt) $(readlink $p/ns/pid)" ;; *'httpd '*) web="$(readlink $p/ns/mnt) $(readlink $p/ns/pid)" ;; esac
done
[ -n "$web" ] && [ -n "$other" ] && [ "\${web% *}" != "\${other% *}" ] && [ "\${web#* }" != "\${other#* }" ]`,
        ),
        {
          text: 'the host gets http://10.244.0.10/',
          holds: async (host) =>
            (await host.fetch('http://10.244.0.10/'))?.includes('hello from the pod') === true,
        },
      ],
    },
    {
      id: 'restart',
      title: 'One dies, the pod stays',
      task: 'Kill the web server, and start in its place one for /srv/web2, on port 80 of the pod. sleep 8000 and the pause process do not notice, and the address stays.',
      hints: [
        'Kubernetes does this to a container that has crashed: the pod is the same.',
        'pidof does not know the name of busybox’s applets: ss -ltnp in the pod shows who listens.',
        'Kill the server, and type the line with nsenter and unshare once more, for /srv/web2.',
      ],
      solution: [
        {
          command:
            'nsenter --target $(cat /run/pause) --net ss -Hltnp "sport = :80" | grep -o "pid=[0-9]*" | cut -d= -f2 | xargs kill -KILL',
          why: 'Its PID 1 is gone, and its PID and mount namespace with it. The network namespace has other holders.',
        },
        {
          command:
            'nsenter --target $(cat /run/pause) --net --uts --ipc unshare --mount --pid --fork --kill-child busybox httpd -f -p 80 -h /srv/web2 </dev/null >/dev/null 2>&1 & until busybox wget -qO- http://10.244.0.10/; do sleep 0.1; done',
          why: 'The same address, the same cable, the same neighbour.',
        },
      ],
      requirements: [
        needProcess('sleep 8000 is in the pod', container('^sleep 8000 $')),
        need(
          'a web server in the namespaces of the pause process has /srv/web2 as its directory and is younger than sleep 8000, and the pause process is older',
          `shared() { readlink $1/ns/net $1/ns/uts $1/ns/ipc; }
started() { sed 's/.*) //' "$1/stat" | cut -d' ' -f20; }
sleeper='' web=''
for p in /proc/[0-9]*; do
  ${IN_POD} && own mnt && own pid || continue
  case $(${WORDS}) in 'sleep 8000 ') sleeper=$(started $p) ;; *'httpd '*) [ "$(readlink $p/cwd)" != /srv/web2 ] || [ "$(shared $p)" != "$(shared /proc/$(cat /run/pause))" ] || web=$(started $p) ;; esac
done
pause=$(started /proc/$(cat /run/pause))
[ "$web" -gt "$sleeper" ] && [ "$pause" -lt "$sleeper" ]`,
        ),
        {
          text: 'the host gets "hello again" from http://10.244.0.10/',
          holds: async (host) => (await host.fetch('http://10.244.0.10/'))?.includes('hello again') === true,
        },
      ],
    },
  ],
  epilogue:
    'kubelet asks the container runtime for a sandbox first (the pause process and its network), then for each ' +
    'container in it. "docker run --network container:NAME" and minidock’s share a network the same way.',
};

export const lessons: readonly Lesson[] = [pod];
