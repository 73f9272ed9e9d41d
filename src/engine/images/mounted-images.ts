/** The images of `--mount type=image`: from the store. As with Docker, none is pulled. */
import type { StoredImage } from '../../../images/types.ts';
import type { Engine } from '../engine.ts';
import type { CreateRequest } from '../spec/create-request.ts';
import { parseMount } from '../spec/mount-flags.ts';
import { findImage } from './find-image.ts';

/** @throws MinidockError 'NO_SUCH_IMAGE', and for a flag that makes no sense. */
export async function findMountedImages(engine: Engine, request: CreateRequest): Promise<CreateRequest> {
  const mountedImages = new Map<string, StoredImage>();
  for (const { image } of (request.mount ?? []).map(parseMount)) {
    if (image !== undefined) mountedImages.set(image.name, await findImage(engine, image.name));
  }
  return { ...request, mountedImages };
}
