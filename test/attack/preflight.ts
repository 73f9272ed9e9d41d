/**
 * Before any attack: a harmless image runs under this setting, in every way that cases use. A container that does not
 * start would otherwise count as a defence against everything.
 */
import type { Way } from './case.ts';
import type { Options } from './options.ts';
import { openStage, REFUSED_WITH_USERS } from './stage.ts';

const WAYS: readonly Way[] = ['run', 'create', 'exec', 'init', 'script', 'privileged'];

/** @throws Error with the words of the way that does not work. */
export async function preflight({ binary, setting, patience }: Options): Promise<void> {
  const stage = await openStage(binary, setting, patience);
  try {
    const image = await stage.image({ files: {} });
    for (const way of WAYS) {
      if (setting.userns === 'auto' && REFUSED_WITH_USERS.includes(way)) continue;
      const { exitCode, stdout, stderr } = await stage.use(
        way,
        image,
        [],
        ['/bin/cat', '/proc/self/uid_map'],
      );
      const firstId = /^\s*0\s+(\d+)/m.exec(stdout)?.[1];
      const right = firstId !== undefined && (firstId !== '0') === (setting.userns === 'auto');
      if (exitCode === 0 && right) continue;
      throw new Error(
        `a harmless container does not run (${way}): status ${String(exitCode)}\n${stderr}${stdout}`,
      );
    }
  } finally {
    await stage.close();
  }
}
