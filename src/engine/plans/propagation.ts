/**
 * Whether a bind mount can propagate as asked: a container hears of the host's later mounts below a directory only if
 * that is a shared or a slave mount on the host (mount_namespaces(7)). With a private one `rslave` would be accepted
 * and do nothing, so Docker refuses it when the container starts, in these words.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { parseMountinfo, type Mount } from '../../../runtime/io/mountinfo.ts';
import { quoteWord } from '../../../runtime/plan/quote.ts';
import type { MountSpec } from '../spec/container.ts';

const WORD = /^r?(slave|shared)$/;

/** @throws MinidockError 'NOT_PROPAGATING'. Reads the host's mounts only for a container that asks. */
export function checkPropagation(
  mounts: readonly MountSpec[],
  readMounts: () => string = () => readFileSync('/proc/self/mountinfo', 'utf8'),
): void {
  const asking = mounts.filter(
    ({ type, options }) => type === 'bind' && options.some((word) => WORD.test(word)),
  );
  if (asking.length === 0) return;
  const known = parseMountinfo(readMounts());
  for (const { source, options } of asking) {
    const mount = mountOf(realpathSync(source), known);
    const wantsShared = options.some((word) => /^r?shared$/.test(word));
    if (mount === undefined || mount.shared || (mount.slave && !wantsShared)) continue;
    throw new MinidockError({
      code: 'NOT_PROPAGATING',
      message: `path ${source} is mounted on ${mount.point} but it is not a shared ${wantsShared ? '' : 'or slave '}mount`,
      hint: `Make it one (mount --make-shared ${quoteWord(mount.point)}), or leave the propagation out: the container then sees what is mounted there when it starts.`,
      exitCode: 125,
    });
  }
}

/** The last one that is mounted on the longest of the points above the path. */
function mountOf(path: string, mounts: readonly Mount[]): Mount | undefined {
  const above = mounts.filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`));
  const longest = Math.max(...above.map(({ point }) => point.length));
  return above.findLast(({ point }) => point.length === longest);
}
