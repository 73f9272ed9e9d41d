/** Commands as system calls, recorded. What they do to a real kernel is in test/kernel/process.test.ts. */
import { expect, test } from '@jest/globals';
import type { OciProcess } from '../../../../runtime/bundle.ts';
import type { ContainerCommand } from '../../../../runtime/plan/command.ts';
import { newContext } from '../../../../runtime/process/context.ts';
import { perform } from '../../../../runtime/process/perform.ts';
import { SyscallError } from '../../../../runtime/syscall/error.ts';
import { bundleConfig } from '../../../support/bundle.ts';
import { recordingKernel, type RecordingKernel } from '../../../support/kernel/recording-kernel.ts';

const program: OciProcess = bundleConfig('/b', ['/bin/sh', '-c', 'true']).process;

function performed(
  command: ContainerCommand,
  recording: RecordingKernel = recordingKernel(),
): readonly string[] {
  perform(command, newContext(recording.kernel, program, undefined, '/b/rootfs', 5));
  return recording.calls;
}

const mount = (target: string, type: string, options: readonly string[], source = ''): ContainerCommand => ({
  kind: 'mount',
  source,
  target,
  type,
  options,
});

test.each<[string, ContainerCommand, readonly string[]]>([
  ['propagation', mount('/', '', ['rprivate']), ['mount("", "/", "", 278528, "")']],
  [
    'overlay',
    mount('/b/rootfs', 'overlay', ['lowerdir=/a:/b', 'upperdir=/u', 'workdir=/w'], 'overlay'),
    ['mount("overlay", "/b/rootfs", "overlay", 0, "lowerdir=/a:/b,upperdir=/u,workdir=/w")'],
  ],
  ['the host name', { kind: 'set-hostname', hostname: 'box' }, ['sethostname("box")']],
  ['the NIS domain', { kind: 'set-domainname', domainname: 'd' }, ['setdomainname("d")']],
  ['a session', { kind: 'new-session', terminal: false }, ['setsid()']],
  ['a keyring', { kind: 'join-keyring', name: '_ses.x' }, ['joinSessionKeyring("_ses.x")']],
  ['a limit', { kind: 'set-rlimit', name: 'RLIMIT_NOFILE', soft: 1, hard: -1 }, ['setrlimit(7, 1, -1)']],
  ['the cgroup namespace', { kind: 'unshare-cgroup' }, ['unshare(33554432)']],
  [
    'the program',
    { kind: 'exec', argv: ['/bin/sh', '-c', 'true'], cwd: '/' },
    [
      'closeAllBut(3, 5)',
      'umask(18)',
      'resetSignals()',
      'execve("/bin/sh", ["/bin/sh","-c","true"], ["PATH=/usr/bin:/bin","HOME=/"])',
    ],
  ],
])('%s', (_name, command, calls) => {
  expect(performed(command)).toEqual(calls);
});

test('a kernel without keyrings is no obstacle, any other refusal is', () => {
  const refusing = (errno: string) =>
    recordingKernel({
      joinSessionKeyring: () => {
        throw new SyscallError('keyctl()', errno, 'no');
      },
    });
  const command = { kind: 'join-keyring', name: 'x' } as const;
  expect(performed(command, refusing('ENOSYS'))).toHaveLength(1);
  expect(() => performed(command, refusing('EDQUOT'))).toThrow('keyctl(): no');
});

test('a sysctl’s name cannot lead out of /proc/sys', () => {
  for (const key of ['../../etc/passwd', 'net/../../x', 'a b']) {
    expect(() => performed({ kind: 'set-sysctl', key, value: '1' })).toThrow('is not the name of a sysctl');
  }
});

test('an unknown limit is named', () => {
  expect(() => performed({ kind: 'set-rlimit', name: 'RLIMIT_X', soft: 1, hard: 1 })).toThrow('RLIMIT_X');
});

test('what execve refuses is an error in the shell’s terms', () => {
  const recording = recordingKernel({
    execve: () => {
      throw new SyscallError('execve()', 'ENOEXEC', 'exec format error');
    },
  });
  expect(() => performed({ kind: 'exec', argv: ['/bin/sh'], cwd: '/' }, recording)).toThrow(
    expect.objectContaining({ exitCode: 126, message: 'exec /bin/sh: exec format error' }),
  );
});

test('the filter is loaded as it is, and leaves speculation as the machine has it', () => {
  const recording = recordingKernel();
  const context = newContext(recording.kernel, program, undefined, '/b/rootfs', 5);
  context.filter = new Uint8Array(16);
  perform({ kind: 'load-seccomp', profile: '' }, context);
  // SECCOMP_FILTER_FLAG_SPEC_ALLOW: without it each call of the program is slower on many processors.
  expect(recording.calls).toEqual(['seccompSetFilter(<16 bytes>, 4)']);
});
