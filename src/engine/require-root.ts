/** Namespaces, mounts and firewalls need root; checked first. */
import { MinidockError } from '../../runtime/errors.ts';

/** @throws MinidockError 'NOT_ROOT'. */
export function requireRoot(what: string): void {
  if (process.geteuid?.() === 0) return;
  throw new MinidockError({
    code: 'NOT_ROOT',
    message: `minidock ${what} must run as root: it makes namespaces, mounts and firewall rules`,
    hint: `Try: sudo minidock ${what} …`,
    ...(what === 'run' || what === 'create' ? { exitCode: 125 } : { exitCode: 1 }),
  });
}
