/** A pull that `create` or `run` needs, with its progress shown as by `pull` itself. */
import type { Fetch } from '../../engine/images/image-for.ts';

export const showPull: Fetch = async (engine, name, options) => {
  const [{ pullByName }, { createPullProgress }] = await Promise.all([
    import('../../engine/images/pull.ts'),
    import('../../ui/progress.ts'),
  ]);
  return (await pullByName(engine, name, { ...options, progress: createPullProgress })).image;
};
