/** A build's cache, brought to where `--cache-to` says. */
import type { Built, BuildRequest } from '../../build/build.ts';
import { BuildError } from '../../build/errors.ts';
import type { Reporter } from '../../build/progress/report.ts';
import type { Engine } from '../../engine/engine.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { formatReference } from '../../../images/reference.ts';

/** @throws BuildError for the first that fails, unless its errors are to be ignored. */
export async function writeCaches(
  engine: Engine,
  { records, inImage }: Built,
  { cacheTo, warn }: BuildRequest,
  report: Reporter,
): Promise<void> {
  for (const target of cacheTo) {
    if (target.type === 'inline') continue;
    const name = target.type === 'local' ? target.dir : formatReference(target.reference);
    try {
      await report.during(report.vertex(`exporting cache to ${name}`), async () => {
        const { exportCache } = await import('../../build/cache/export-cache.ts');
        await exportCache(await engine.images(), target.all ? records : inImage, target);
      });
    } catch (error) {
      if (typeof (error as { code?: unknown }).code !== 'string') throw error;
      const message = `the build cache could not be written to ${name}: ${(error as Error).message}`;
      if (!target.ignoresErrors)
        throw new BuildError({
          code: 'CACHE_NOT_WRITTEN',
          message,
          hint: 'The image is there all the same. With ignore-error=true this is a warning.',
          cause: error,
        });
      warn(`warning: ${oneLine(message)}\n`);
    }
  }
}
