/** The default filter in the real kernel: what a program may still do under it, and what it may not. */
import { expect, test } from '@jest/globals';
import { DEFAULT_CAPABILITIES } from '../../runtime/process/capabilities.ts';
import { nativeArch, syscallNumbers } from '../../runtime/process/seccomp/syscalls.ts';
import { driver } from '../support/bun.ts';
import { runProgram, type RunResult } from '../support/host/processes.ts';

const filtered = (argv: readonly string[], capabilities = DEFAULT_CAPABILITIES): Promise<RunResult> =>
  runProgram(driver('seccomp-driver.ts', capabilities.join(','), ...argv));

/** Makes one system call from perl, which Debian always has, and prints `errno` (0 if it succeeded). */
function systemCall(name: string, ...args: readonly number[]): string[] {
  const number = syscallNumbers(nativeArch() ?? 'x86_64').get(name);
  return ['/usr/bin/perl', '-e', `print syscall(${[number, ...args].join(', ')}) < 0 ? $!+0 : 0`];
}

const EPERM = '1';
const ENOSYS = '38';

test('the filter is in force', async () => {
  const { stdout } = await filtered(['/bin/grep', 'Seccomp:', '/proc/self/status']);
  expect(stdout).toBe('Seccomp:\t2\n');
});

test('new namespaces and mounts are refused', async () => {
  const unshare = await filtered(['/usr/bin/unshare', '--user', 'true']);
  expect(unshare.stderr).toContain('Operation not permitted');
  expect(unshare.exitCode).not.toBe(0);
  const mount = await filtered(['/bin/mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
  expect(mount.stderr).toMatch(/permission denied|Operation not permitted/);
});

test.each([
  ['keyctl', [0, -3, 0], EPERM],
  ['bpf', [0, 0, 0], EPERM],
  ['io_uring_setup', [1, 0], EPERM],
  ['personality', [0x40000], EPERM],
  ['personality', [0xffffffff], '0'],
  ['clone3', [0, 0], ENOSYS],
  ['socket', [40, 1, 0], EPERM],
] as const)('%s(%j) answers %s', async (name, args, errno) => {
  expect((await filtered(systemCall(name, ...args))).stdout).toBe(errno);
});

test('a capability opens its calls', async () => {
  const { stdout, exitCode } = await filtered(['/usr/bin/unshare', '--uts', 'echo', 'in'], ['CAP_SYS_ADMIN']);
  expect([stdout, exitCode]).toEqual(['in\n', 0]);
});

test('a call newer than the profile does not exist', async () => {
  const { stdout } = await filtered(['/usr/bin/perl', '-e', 'print syscall(999) < 0 ? $!+0 : 0']);
  expect(stdout).toBe(ENOSYS);
});

test('ordinary programs notice nothing: pipes, files, threads, sockets', async () => {
  const shell = await filtered([
    '/bin/sh',
    '-c',
    'ls / | sort | wc -l; f=$(mktemp) && echo x >"$f" && rm "$f"',
  ]);
  expect([Number(shell.stdout) > 5, shell.stderr, shell.exitCode]).toEqual([true, '', 0]);
  const node = await filtered([
    process.execPath,
    '-e',
    `const { Worker } = require('node:worker_threads');
     const server = require('node:net').createServer((c) => c.end('hello'));
     server.listen(0, '127.0.0.1', () => {
       new Worker(\`const { parentPort, workerData } = require('node:worker_threads');
         require('node:net').connect(workerData, '127.0.0.1').on('data', (d) => parentPort.postMessage(String(d)))\`,
         { eval: true, workerData: server.address().port })
         .on('message', (text) => { console.log(text); process.exit(0); });
     });`,
  ]);
  expect([node.stdout, node.exitCode]).toEqual(['hello\n', 0]);
});
