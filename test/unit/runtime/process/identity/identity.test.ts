import { expect, test } from '@jest/globals';
import { DEFAULT_CAPABILITIES } from '../../../../../runtime/process/capabilities.ts';
import { applyIdentity } from '../../../../../runtime/process/identity/identity.ts';
import { PR_CAPBSET_DROP, PR_CAPBSET_READ } from '../../../../../runtime/syscall/constants.ts';
import { SyscallError } from '../../../../../runtime/syscall/error.ts';
import { recordingKernel } from '../../../../support/kernel/recording-kernel.ts';

const sets = (names: readonly string[], ambient: readonly string[] = []) => ({
  bounding: names,
  effective: names,
  permitted: names,
  inheritable: ambient,
  ambient,
});

/** Knows capabilities 0 to 40, and holds all of them but `absent`. */
const prctl =
  (absent = -1) =>
  (option: number, bit: number): number => {
    if ((option === PR_CAPBSET_READ || option === PR_CAPBSET_DROP) && bit > 40) {
      throw new SyscallError(`prctl(${option}, ${bit})`, 'EINVAL', 'invalid argument');
    }
    return option === PR_CAPBSET_READ && bit === absent ? 0 : 1;
  };

test('powers go in the one order the kernel allows', () => {
  const { kernel, calls } = recordingKernel({ prctl: prctl() });
  applyIdentity(kernel, {
    uid: 1000,
    gid: 1001,
    groups: [1001, 50],
    capabilities: sets(DEFAULT_CAPABILITIES),
    noNewPrivileges: true,
  });
  const dropped = calls.filter((call) => call.startsWith(`prctl(${PR_CAPBSET_DROP}, `));
  // The last one is the number this kernel does not know.
  expect(dropped).toHaveLength(41 - 14 + 1);
  expect(dropped).not.toContain(`prctl(${PR_CAPBSET_DROP}, 0)`);
  expect(dropped).toContain(`prctl(${PR_CAPBSET_DROP}, 21)`);
  expect(calls[0]).toBe('prctl(4, 0)');
  expect(calls.slice(-8)).toEqual([
    'prctl(8, 1)',
    'setgroups([1001,50])',
    'setresgid(1001)',
    'setresuid(1000)',
    'prctl(8, 0)',
    'capset(0xa80425fb, 0xa80425fb, 0x0)',
    'prctl(47, 4)',
    'prctl(38, 1)',
  ]);
});

test('a capability that minidock itself lacks is not asked for', () => {
  const { kernel, calls } = recordingKernel({ prctl: prctl(0) });
  applyIdentity(kernel, {
    uid: 0,
    gid: 0,
    groups: [0],
    capabilities: sets(['CAP_CHOWN', 'CAP_KILL']),
    noNewPrivileges: false,
  });
  expect(calls).toContain('capset(0x20, 0x20, 0x0)');
  expect(calls).not.toContain('prctl(38, 1)');
});

test('ambient capabilities are raised last', () => {
  const { kernel, calls } = recordingKernel({ prctl: prctl() });
  applyIdentity(kernel, {
    uid: 1000,
    gid: 1000,
    groups: [],
    capabilities: sets(['CAP_CHOWN', 'CAP_KILL'], ['CAP_KILL']),
    noNewPrivileges: false,
  });
  expect(calls.slice(-3)).toEqual(['capset(0x21, 0x21, 0x20)', 'prctl(47, 4)', 'prctl(47, 2, 5)']);
});

test('of several groups the one that a user namespace lacks is named', () => {
  const { kernel } = recordingKernel({
    prctl: prctl(),
    setgroups: (groups: readonly number[]) => {
      if (groups.includes(70000)) throw new SyscallError('setgroups', 'EINVAL', 'invalid argument');
    },
  });
  const identity = { uid: 0, gid: 0, groups: [0, 70000, 5], capabilities: sets([]), noNewPrivileges: false };
  expect(() => applyIdentity(kernel, identity)).toThrow(
    'cannot set gid to unmapped group 70000 in user namespace',
  );
});
