/** Whether PID 1 turns a chroot into the root of its mount namespace, and leaves it alone where there is none. */
import { expect, test } from '@jest/globals';
import { leaveChroot } from '../../../../runtime/process/own-root.ts';
import { recordingKernel } from '../../../support/kernel/recording-kernel.ts';

const callsWith = (...identities: readonly string[]): readonly string[] => {
  const { kernel, calls } = recordingKernel();
  const left = [...identities];
  leaveChroot(kernel, () => left.shift() ?? '');
  return calls.map((call) => call.replace(/^(setns|fchdir)\(\d+/, '$1(fd'));
};

test('a root that is the namespace’s own is left as it is', () => {
  expect(callsWith('1:2', '1:2')).toEqual(['unshare(512)', 'setns(fd, 131072)', 'fchdir(fd)']);
});

test('the directory of a chroot becomes the namespace’s root, and the machine’s tree goes', () => {
  expect(callsWith('1:77', '1:2')).toEqual([
    'unshare(512)',
    'setns(fd, 131072)',
    'mount("", "/", "", 540672, "")',
    'fchdir(fd)',
    'pivotRoot(".", ".")',
    'fchdir(fd)',
    'umount2(".", 2)',
    'fchdir(fd)',
  ]);
});
