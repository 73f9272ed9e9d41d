/** Capabilities and no_new_privs. */
import type { Lesson } from '../../lesson.ts';
import { needProcess } from '../seen.ts';

const DOCKER_SET =
  'chown,dac_override,fsetid,fowner,net_raw,setgid,setuid,setfcap,setpcap,net_bind_service,sys_chroot,kill,audit_write';

const capabilities: Lesson = {
  name: 'capabilities',
  group: 'beyond',
  title: 'What root is made of',
  story:
    'The kernel hardly ever asks whether a process is root. It asks for one of some forty capabilities, and user 0 has ' +
    'them all by default. A process has five sets of them (/proc/PID/status): effective is what counts, permitted what ' +
    'it may switch on, bounding what any program it executes can ever get. Root of the lab has them all, for what ' +
    'belongs to the lab’s user namespace: it may set up networks and mounts in here, and not the machine’s clock.',
  setup: [
    'cp "$(command -v sleep)" /srv/borrowed && chmod 4755 /srv/borrowed',
    'mkdir -p /srv/www && echo "a page from port 80" >/srv/www/index.html',
  ],
  steps: [
    {
      id: 'less',
      title: 'Root, who may not chown',
      task: 'Let a process of user 0 run without CAP_CHOWN.',
      hints: [
        'setpriv of util-linux starts programs with other privileges.',
        'When root executes a program it gets the bounding set again, so remove the capability there.',
        'setpriv --inh-caps=-chown --bounding-set=-chown sleep 1000 &',
      ],
      solution: [
        { command: 'touch /root/mine', why: 'Something to give away.' },
        {
          command: 'setpriv --inh-caps=-chown --bounding-set=-chown chown 1000 /root/mine || true',
          why: '"Operation not permitted", for root: this one power is all that chown needs.',
        },
        {
          command: 'setpriv --inh-caps=-chown --bounding-set=-chown sleep 1000 &',
          why: 'All the other powers are still there.',
        },
        {
          command: 'until ! grep CapEff /proc/$!/status | grep -q "[13579bdf]$"; do sleep 0.1; done',
          why: 'CHOWN has the number 0: the last bit.',
        },
      ],
      requirements: [
        needProcess(
          'a process of user 0 has capabilities, but not CAP_CHOWN (CapEff)',
          '[ "$(field Uid | cut -f 2)" = 0 ] && [ $(( 0x$(field CapEff) )) != 0 ] && ! cap CapEff 0',
        ),
      ],
    },
    {
      id: 'docker',
      title: 'Docker’s fourteen',
      task: `Let a process of user 0 run with just these, as its effective and its bounding set: ${DOCKER_SET} (Docker’s default; its fourteenth, mknod, may be there or not).`,
      hints: [
        'setpriv can write a bounding set as "all but" and as "none but".',
        '-all,+NAME,+NAME…',
        `setpriv --inh-caps=-all --bounding-set=-all,+${DOCKER_SET.replaceAll(',', ',+')} sleep 1000 &`,
      ],
      solution: [
        {
          command: `setpriv --inh-caps=-all --bounding-set=-all,+${DOCKER_SET.replaceAll(',', ',+')} sleep 1000 &`,
          why: 'Nothing that mounts, configures networks, loads modules or traces: what a web server never needs.',
        },
        {
          command: 'until grep -q "CapEff:.*25fb$" /proc/$!/status; do sleep 0.1; done',
          why: 'With mknod the whole number is a80425fb.',
        },
      ],
      requirements: [
        needProcess(
          'the effective and the bounding set of a process of user 0 are those',
          '[ "$(field Uid | cut -f 2)" = 0 ] && [ $(( 0x$(field CapEff) | 0x8000000 )) = $((0xa80425fb)) ] && [ $(( 0x$(field CapBnd) | 0x8000000 )) = $((0xa80425fb)) ]',
        ),
      ],
    },
    {
      id: 'one',
      title: 'A single one, for a nobody',
      task: 'Serve a page on port 80 of 203.0.113.2 with a process of user 65534 that has CAP_NET_BIND_SERVICE and no other capability.',
      hints: [
        'When a program is executed by someone other than root, only "ambient" capabilities survive.',
        'An ambient capability has to be inheritable as well.',
        'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service busybox httpd -f -p 203.0.113.2:80 -h /srv/www &',
      ],
      solution: [
        {
          command:
            'setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service busybox httpd -f -p 203.0.113.2:80 -h /srv/www &',
          why: 'Ports below 1024 are for those with this capability; serving files needs no power at all.',
        },
        { command: 'until ss -Hltn | grep -q 203.0.113.2:80; do sleep 0.1; done', why: 'Until it listens.' },
      ],
      requirements: [
        needProcess(
          'a process of user 65534 that has CAP_NET_BIND_SERVICE alone listens on port 80 of 203.0.113.2',
          '[ "$(field Uid | cut -f 2)" = 65534 ] && [ $(( 0x$(field CapEff) )) = 1024 ] && [ $(( 0x$(field CapPrm) )) = 1024 ] && ss -Hltnp "sport = :80" | grep -E " (203[.]0[.]113[.]2|0[.]0[.]0[.]0|[*]|\\[::\\]):80 " | grep -q "pid=$pid,"',
        ),
        {
          text: 'http://203.0.113.2/ answers',
          holds: async (host) => (await host.fetch('http://203.0.113.2/')) !== undefined,
        },
      ],
    },
    {
      id: 'nnp',
      title: 'No way back',
      task:
        '/srv/borrowed is a sleep with the set-user-ID bit: every user who runs it becomes root. Let a process of ' +
        'user 65534 run for which that bit does nothing.',
      hints: [
        'prctl(PR_SET_NO_NEW_PRIVS) is a promise to the kernel: nobody can take it back, and children inherit it.',
        'See --no-new-privs of setpriv, and NoNewPrivs in /proc/PID/status.',
        'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /srv/borrowed 1000 &',
      ],
      solution: [
        {
          command: 'setpriv --reuid 65534 --regid 65534 --clear-groups /srv/borrowed 1001 & lent=$!',
          why: 'Without the promise: this sleep is of user 65534 with the powers of root.',
        },
        {
          command:
            'setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs /srv/borrowed 1002 & kept=$!',
          why: 'With it, execve(2) ignores set-user-ID bits and file capabilities, for ever and for all children.',
        },
        {
          command:
            'until grep -q "NoNewPrivs:.*1" /proc/$kept/status; do sleep 0.1; done; grep Uid /proc/$lent/status /proc/$kept/status',
          why: 'Real and effective user of both.',
        },
      ],
      requirements: [
        needProcess(
          'a process with real and effective user 65534 has NoNewPrivs 1',
          '[ "$(field NoNewPrivs)" = 1 ] && [ "$(field Uid | cut -f 1,2 | tr "\\t" :)" = 65534:65534 ]',
        ),
      ],
    },
  ],
  epilogue:
    'docker run --cap-drop, --cap-add and --security-opt no-new-privileges are these, and minidock knows them by ' +
    'the same names. PID 1 drops its capabilities last, just before execve: until then it needs them to set the ' +
    'container up.',
};

export const lessons: readonly Lesson[] = [capabilities];
