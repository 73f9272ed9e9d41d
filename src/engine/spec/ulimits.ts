/**
 * Resource limits of a process (getrlimit(2)), as `--ulimit` names them: the kernel's names in lower case without
 * RLIMIT_. The soft limit is in force, the hard one is how far the program may raise it; -1 is unlimited.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { RLIMITS } from '../../../runtime/syscall/constants.ts';

export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/** Address space (`as`) is left out, as in Docker: PID 1 needs its own before the program starts. */
const NAMES: ReadonlySet<string> = new Set(
  Object.keys(RLIMITS)
    .map((name) => name.replace('RLIMIT_', '').toLowerCase())
    .filter((name) => name !== 'as'),
);

/** `nofile=1024:2048`, or `nofile=1024` for both. @throws INVALID_ULIMIT in Docker's words. */
export function parseUlimit(text: string): Ulimit {
  const invalid = (reason: string): MinidockError =>
    new MinidockError({
      code: 'INVALID_ULIMIT',
      message: `invalid argument "${text}" for "--ulimit" flag: ${reason}`,
      hint: `types are ${[...NAMES].join(', ')}`,
      exitCode: 125,
    });
  const equals = text.indexOf('=');
  if (equals < 0) throw invalid(`invalid ulimit argument: ${text}`);
  const name = text.slice(0, equals);
  const limits = text.slice(equals + 1);
  if (!NAMES.has(name)) throw invalid(`invalid ulimit type: ${name}`);

  const values = limits.split(':');
  if (values.length > 2) {
    throw invalid(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``);
  }
  const numbers = values.map((value) => {
    if (!/^[+-]?\d+$/.test(value)) throw invalid(`strconv.ParseInt: parsing "${value}": invalid syntax`);
    const number = Number(value);
    if (!Number.isSafeInteger(number))
      throw invalid(`strconv.ParseInt: parsing "${value}": value out of range`);
    return number;
  });
  const [soft = 0, hard = soft] = numbers;
  if (hard !== -1) {
    const rule = 'ulimit soft limit must be less than or equal to hard limit';
    if (soft === -1) throw invalid(`${rule}: soft: -1 (unlimited), hard: ${hard}`);
    if (soft > hard) throw invalid(`${rule}: ${soft} > ${hard}`);
  }
  return { name, soft, hard };
}
