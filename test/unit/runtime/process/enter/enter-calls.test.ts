/** The list that exec's process becomes: what is done at once, what is written down, and in which order. */
import { describe, expect, test } from '@jest/globals';
import { capabilitySets } from '../../../../../runtime/bundle.ts';
import { EnterCalls } from '../../../../../runtime/process/enter/enter-calls.ts';
import { applyIdentity } from '../../../../../runtime/process/identity/identity.ts';
import { PR_CAPBSET_READ } from '../../../../../runtime/syscall/constants.ts';
import { SyscallError } from '../../../../../runtime/syscall/error.ts';
import { spellCall, type Argument } from '../../../../../runtime/syscall/ffi.ts';

/** A machine that knows two capabilities. */
function recorded(): { readonly calls: EnterCalls; readonly made: readonly string[] } {
  const made: string[] = [];
  const calls = new EnterCalls((name, ...args: readonly Argument[]) => {
    made.push(spellCall(name, args));
    if (args[0] === PR_CAPBSET_READ && Number(args[1]) > 1) throw new SyscallError('prctl', 'EINVAL', '');
    return 1;
  });
  return { calls, made };
}

const listOf = (calls: EnterCalls): readonly string[] =>
  calls.words(7).map(({ step, call }) => `${step} ${call}`);

describe('a list of calls', () => {
  test('nothing is listed before it is asked for, and nothing is made while it is', () => {
    const { calls, made } = recorded();
    calls.kernel.umask(0);
    calls.step = 'a.step';
    calls.list((kernel) => kernel.setns(9, 0x20000000));
    expect(made).toEqual(['umask(0)']);
    expect(listOf(calls)).toContain('a.step setns(9, 0x20000000)');
  });

  test('identity: the kernel is asked which capabilities there are, the others go by the list', () => {
    const { calls, made } = recorded();
    const identity = { uid: 5, gid: 6, groups: [6], capabilities: capabilitySets([]), noNewPrivileges: true };
    calls.list((kernel) => applyIdentity(kernel, identity));
    expect(made).toEqual([23, 23, 23].map((read, bit) => `prctl(${read}, ${bit}, 0, 0, 0)`));
    expect(listOf(calls).slice(4, -6)).toEqual(
      [
        'prctl(4, 0, 0, 0, 0)',
        'prctl(24, 0, 0, 0, 0)',
        'prctl(24, 1, 0, 0, 0)',
        'prctl(8, 1, 0, 0, 0)',
        'setgroups(1, <4 bytes>)',
        'setresgid(6, 6, 6)',
        'setresuid(5, 5, 5)',
        'prctl(8, 0, 0, 0, 0)',
        'capset(<8 bytes>, <24 bytes>)',
        'prctl(47, 4, 0, 0, 0)',
        'prctl(38, 1, 0, 0, 0)',
      ].map((call) => ` ${call}`),
    );
  });

  test('the child begins after everything of the host’s has been closed, and only what is its own is left to do', () => {
    const { calls } = recorded();
    calls.add('write', 8, '0', 1);
    calls.afterFork((kernel) => kernel.setrlimit(6, 1, 1));
    calls.fork();
    calls.list((kernel) => kernel.setsid());
    calls.execute('/bin/sh', ['sh'], ['A=b']);
    const list = calls.words(7).map(({ call }) => call);
    expect(list.slice(3)).toEqual([
      'clone(17)',
      'write(8, "0", 1)',
      'close_range(3, 0xffffffff, 0)',
      'clone(0x10c011, 0, 0x20000c)',
      'prlimit64(0, 6, <16 bytes>, 0)',
      'setsid()',
      'execve("/bin/sh", <1 words>, <1 words>)',
      'exit_group(0)',
      'wait4(0, 0, 0, 0)',
      'write(7, 0x200000, 16)',
      'close_range(0, 0xffffffff, 0)',
    ]);
    expect(calls.words(7).find(({ program }) => program !== undefined)?.program).toBe('/bin/sh');
  });
});
