/**
 * What a filter can answer: the profile's action words and the 32-bit values of linux/seccomp.h. The low 16 bits
 * carry an errno (or a tracer's cookie). Docker and runc take EPERM where a profile names none.
 */
import { MinidockError } from '../../errors.ts';

const EPERM = 1;
export const ENOSYS = 38;

export const RET_KILL_PROCESS = 0x8000_0000;
const RET_KILL_THREAD = 0x0000_0000;
const RET_TRAP = 0x0003_0000;
export const RET_ERRNO = 0x0005_0000;
const RET_TRACE = 0x7ff0_0000;
const RET_LOG = 0x7ffc_0000;
const RET_ALLOW = 0x7fff_0000;

/** @throws INVALID_SECCOMP_PROFILE for a word that is none, SECCOMP_UNSUPPORTED for one minidock cannot serve. */
export function actionValue(action: string, errnoRet: number = EPERM): number {
  switch (action) {
    case 'SCMP_ACT_ALLOW':
      return RET_ALLOW;
    case 'SCMP_ACT_ERRNO':
      return RET_ERRNO | (errnoRet & 0xffff);
    case 'SCMP_ACT_KILL':
    case 'SCMP_ACT_KILL_THREAD':
      return RET_KILL_THREAD;
    case 'SCMP_ACT_KILL_PROCESS':
      return RET_KILL_PROCESS;
    case 'SCMP_ACT_TRAP':
      return RET_TRAP;
    case 'SCMP_ACT_TRACE':
      return RET_TRACE | (errnoRet & 0xffff);
    case 'SCMP_ACT_LOG':
      return RET_LOG;
    case 'SCMP_ACT_NOTIFY':
      throw new MinidockError({
        code: 'SECCOMP_UNSUPPORTED',
        message:
          'seccomp profile uses SCMP_ACT_NOTIFY, which minidock does not support: nothing would answer',
        hint: 'give those system calls SCMP_ACT_ERRNO or SCMP_ACT_ALLOW',
      });
    default:
      throw new MinidockError({
        code: 'INVALID_SECCOMP_PROFILE',
        message: `invalid seccomp profile: unknown action "${action}"`,
        hint: 'actions are SCMP_ACT_ALLOW, _ERRNO, _KILL_PROCESS, _KILL_THREAD, _TRAP, _LOG and _TRACE',
      });
  }
}
