/** An image that must be there. */
import { fullName } from '../../../images/reference.ts';
import type { StoredImage } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Engine } from '../engine.ts';

/** @throws MinidockError 'NO_SUCH_IMAGE'. */
export async function findImage(engine: Engine, name: string): Promise<StoredImage> {
  const image = await (await engine.images()).find(name);
  if (image !== undefined) return image;
  throw new MinidockError({
    code: 'NO_SUCH_IMAGE',
    message: `No such image: ${fullName(name)}`,
    hint: `minidock pull ${name} fetches it; minidock images lists what is here.`,
  });
}
