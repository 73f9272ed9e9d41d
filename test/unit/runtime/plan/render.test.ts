import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import type { Command } from '../../../../runtime/plan/command.ts';
import { quoteWord, renderArgv } from '../../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../../runtime/plan/render.ts';

const cases: readonly (readonly [Command, string])[] = [
  [{ kind: 'run', argv: ['ip', 'netns', 'add', 'md-1'] }, 'ip netns add md-1'],
  [
    { kind: 'run', argv: ['nft', '-f', '-'], input: 'add element ip minidock bridges { "minidock0" }\n' },
    `nft -f - <<<'add element ip minidock bridges { "minidock0" }'`,
  ],
  [
    { kind: 'write', path: '/proc/sys/net/ipv4/ip_forward', text: '1' },
    'echo 1 > /proc/sys/net/ipv4/ip_forward',
  ],
  [{ kind: 'write', path: '/sys/x', text: '100000 100000' }, "echo '100000 100000' > /sys/x"],
  [{ kind: 'write', path: '/sys/x', text: '-1' }, 'printf %s -1 > /sys/x'],
  [{ kind: 'write', path: '/sys/x', text: '+memory +pids' }, "echo '+memory +pids' > /sys/x"],
  [{ kind: 'mkdir', path: '/sys/fs/cgroup/minidock', mode: 0o755 }, 'mkdir -p /sys/fs/cgroup/minidock'],
  [{ kind: 'make-dir', path: '/run/x', mode: 0o700 }, 'mkdir -p -m 700 /run/x'],
  [{ kind: 'rmdir', path: '/sys/fs/cgroup/minidock' }, 'rmdir /sys/fs/cgroup/minidock'],
  [
    {
      kind: 'mount',
      source: 'overlay',
      target: '/r',
      type: 'overlay',
      options: ['lowerdir=/a:/b', 'upperdir=/u'],
    },
    'mount -t overlay -o lowerdir=/a:/b,upperdir=/u overlay /r',
  ],
  [
    { kind: 'mount', source: 'proc', target: '/r/proc', type: 'proc', options: ['nosuid', 'noexec'] },
    'mount -t proc -o nosuid,noexec proc /r/proc',
  ],
  [
    {
      kind: 'mount',
      source: '/srv/my data',
      target: '/r/d',
      type: 'bind',
      options: ['rbind', 'rprivate', 'ro'],
    },
    "mount --rbind --make-rprivate -o ro '/srv/my data' /r/d",
  ],
  [{ kind: 'mount', source: '', target: '/', type: '', options: ['rprivate'] }, 'mount --make-rprivate /'],
  [
    { kind: 'mount', source: '', target: '/r', type: '', options: ['remount', 'bind', 'ro'] },
    'mount -o remount,bind,ro /r',
  ],
  [{ kind: 'umount', target: '/old', lazy: true }, 'umount --lazy /old'],
  [{ kind: 'pivot-root', newRoot: '.', oldRoot: '.' }, 'pivot_root . .'],
  [
    { kind: 'mknod', path: '/dev/null', type: 'c', major: 1, minor: 3, mode: 0o666 },
    'mknod -m 666 /dev/null c 1 3',
  ],
  [
    { kind: 'mknod', path: '/p', type: 'p', major: 0, minor: 0, mode: 0o600, uid: 1, gid: 2 },
    'mknod -m 600 /p p && chown 1:2 /p',
  ],
  [{ kind: 'symlink', target: '/proc/self/fd', path: '/dev/fd' }, 'ln -s /proc/self/fd /dev/fd'],
  [{ kind: 'set-sysctl', key: 'net.core.somaxconn', value: '1024' }, 'sysctl -w net.core.somaxconn=1024'],
  [
    { kind: 'join-cgroup', procs: ['/a/cgroup.procs', '/b/cgroup.procs'] },
    'echo $$ > /a/cgroup.procs\necho $$ > /b/cgroup.procs',
  ],
  [
    { kind: 'set-rlimit', name: 'RLIMIT_NOFILE', soft: 1024, hard: -1 },
    'prlimit --pid $$ --nofile=1024:unlimited',
  ],
  [
    {
      kind: 'set-identity',
      uid: 1000,
      gid: 1000,
      groups: [10, 20],
      capabilities: ['CAP_CHOWN', 'CAP_NET_RAW'],
      noNewPrivileges: true,
    },
    'setpriv --reuid=1000 --regid=1000 --groups=10,20 --bounding-set=-all,+chown,+net_raw --inh-caps=-all ' +
      '--ambient-caps=-all --no-new-privs',
  ],
  [{ kind: 'exec', argv: ['sh', '-c', 'echo $HOME'], cwd: '/' }, "cd / && exec sh -c 'echo $HOME'"],
];

test.each(cases)('%j', (command, expected) => {
  expect(renderCommand(command)).toBe(expected);
});

describe('pasted into a shell', () => {
  const bash = (script: string): string => execFileSync('bash', ['-c', script], { encoding: 'utf8' });

  test.each([
    '', ' ', "it's", '$HOME', '`id`', '"', '\\', 'a\nb', '*', '~', '#x', 'a=b', '=b', '!', '{a,b}', 'é', '-n', '%s',
  ])('%j is one word and itself', (word) => {
    expect(bash(`printf '<%s>' ${quoteWord(word)}`)).toBe(`<${word}>`);
  }); // prettier-ignore

  test('a program name with = is no assignment', () => {
    expect(() => bash(`${renderArgv(['A=b', 'true'])} 2>/dev/null`)).toThrow();
  });

  test('input arrives as it was, also when every line is indented', () => {
    const input = '*nat\n  :X - [0:0]\n\n-A X -j "Y"\nCOMMIT';
    const rendered = renderCommand({ kind: 'run', argv: ['cat'], input });
    expect(bash(rendered)).toBe(`${input}\n`);
    expect(bash(rendered.split('\n').join('\n      '))).toBe(`${input}\n`);
  });

  test.each(cases)('%j is valid bash', (command) => {
    expect(() => execFileSync('bash', ['-n', '-c', renderCommand(command)])).not.toThrow();
  });
});
