/** The duties of PID 1. */
import type { Lesson } from '../lesson.ts';
import { need, needProcess } from './seen.ts';

const HANDLES_TERM = '[ $(( (0x$(field SigCgt) >> 14) & 1 )) = 1 ]';
const ONE = 'own pid && field NSpid | grep -Eq "[[:space:]]1$"';

const pidOne: Lesson = {
  name: 'pid-one',
  group: 'beyond',
  title: 'The first process',
  story:
    'PID 1 of a PID namespace has duties and privileges that few programs reckon with. Orphans become its ' +
    'children, and it has to reap them. Signals that it does not handle never reach it: SIGTERM does nothing, ' +
    'which is why "docker stop" of many an image takes ten seconds. And when it ends, everyone in the namespace is ' +
    'killed.',
  setup: [
    "setsid unshare --pid --fork --mount-proc sh -c 'sleep 7002 & sleep 7003 & exec sleep 7001' </dev/null >/dev/null 2>&1 &",
    'until lsns -n -t pid -o COMMAND | grep -qx "sleep 7001"; do sleep 0.05; done',
  ],
  steps: [
    {
      id: 'zombie',
      title: 'A zombie',
      task: 'Let a PID namespace have a zombie (state Z): a dead process that its PID 1 does not reap.',
      hints: [
        'sleep as PID 1 waits for nobody. It needs a child that ends.',
        'A shell that starts something in the background and then becomes sleep by exec.',
        "unshare --pid --fork --mount-proc sh -c 'sleep 0.1 & exec sleep 1000' &",
      ],
      solution: [
        {
          command: "unshare --pid --fork --mount-proc sh -c 'sleep 0.1 & exec sleep 1000' &",
          why: 'The short sleep’s parent is now a program that never calls wait(2): its entry in the table stays, with its exit status.',
        },
        {
          command: 'until grep -qs "^State:.*Z" /proc/[0-9]*/status; do sleep 0.1; done',
          why: 'It uses no memory, but a PID, and PIDs are limited (pids.max).',
        },
      ],
      requirements: [
        needProcess(
          'a process in a PID namespace below the lab’s is in state Z, and its parent is PID 1 there',
          `field State | grep -q ^Z && [ "$(field NSpid | wc -w)" -gt 1 ] && p=/proc/$(field PPid) && ${ONE}`,
        ),
      ],
    },
    {
      id: 'init',
      title: 'An init worth the name',
      task: 'Let a PID namespace have a PID 1 that handles SIGTERM and has no zombies: write it in shell.',
      hints: [
        'trap makes a shell handle a signal, and a shell reaps what it waits for.',
        'A trap runs when wait is interrupted: start the work in the background and wait for it.',
        'unshare --pid --fork --mount-proc bash -c \'trap "exit 0" TERM; (sleep 0.1 &); sleep 1000 & wait\' &',
      ],
      solution: [
        {
          command:
            'unshare --pid --fork --mount-proc bash -c \'trap "exit 0" TERM; (sleep 0.1 &); sleep 1000 & wait\' &',
          why:
            'The inner shell ends at once, so the short sleep is an orphan and becomes a child of PID 1, and bash ' +
            'reaps it.',
        },
        {
          command:
            'until init=$(xargs </proc/$!/task/$!/children); grep -s "SigCgt:.*[4567c-f]...$" /proc/$init/status; do sleep 0.1; done',
          why: 'SigCgt is the set of signals that a process handles; SIGTERM is number 15, so bit 14.',
        },
      ],
      requirements: [
        needProcess(
          'a process that is PID 1 in its own namespace handles SIGTERM, and nobody there is a zombie',
          `${ONE} && ${HANDLES_TERM} && ! nsenter -t $pid -p -m sh -c 'grep -qs "^State:.*Z" /proc/[0-9]*/status'`,
        ),
      ],
    },
    {
      id: 'signal',
      title: 'All at once',
      task: 'Three processes have been running since the lab began, sleep 7001 (PID 1 of a namespace), 7002 and 7003 (in it). End all three.',
      hints: [
        'One signal is enough. SIGTERM is not the one: PID 1 handles nothing.',
        'SIGKILL from outside reaches PID 1; from inside it does not.',
        'kill -KILL the number that lsns or ps shows for sleep 7001',
      ],
      solution: [
        {
          command:
            "first=$(lsns -n -t pid -o PID,COMMAND | sed -n 's/^ *\\([0-9]*\\) sleep 7001$/\\1/p'); kill -TERM $first",
          why: 'Ignored: the kernel delivers to PID 1 only what it handles, so that a stray signal does not end a system.',
        },
        {
          command: 'kill -KILL $first',
          why:
            'From a parent namespace SIGKILL and SIGSTOP always work. All other processes die with PID 1: no shim ' +
            'has to hunt for them.',
        },
        {
          command: "while lsns -n -t pid -o COMMAND | grep -qx 'sleep 7001'; do sleep 0.1; done",
          why: 'Gone.',
        },
      ],
      requirements: [
        need(
          'none of the three runs any more',
          `for p in /proc/[0-9]*; do
  case $(tr '\\0' ' ' <$p/cmdline) in 'sleep 7001 ' | 'sleep 7002 ' | 'sleep 7003 ') exit 1 ;; esac
done`,
        ),
      ],
    },
  ],
  epilogue:
    'docker run --init, and minidock’s, put a small init before your program: it forwards signals and reaps ' +
    'orphans. "stop" sends SIGTERM, waits ten seconds, and kills PID 1 as you did.',
};

export const lessons: readonly Lesson[] = [pidOne];
