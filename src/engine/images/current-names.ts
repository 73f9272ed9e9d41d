/**
 * What `ps` calls the image of a container: by the name it was made from, as long as that leads to the same image. A tag
 * that was removed, or moved to another image, would name the wrong one: then it is the id, as in Docker.
 */
import { join } from 'node:path';
import { ImageError } from '../../../images/errors.ts';
import { ImageIndex, type ImageRecords } from '../../../images/store/image-index.ts';
import { matchImage } from '../../../images/store/names.ts';
import { tellDamage } from '../state/damage.ts';
import { imagesDir, type Paths } from '../state/paths.ts';
import type { ContainerConfig } from '../spec/container.ts';

/** The list of images is read once. Where it cannot be read, containers are listed by the names they were made from. */
export function currentNames(paths: Paths): (config: ContainerConfig) => string {
  const images = readImages(paths);
  return ({ imageRef, imageId }) =>
    images === undefined || imageRef === '' || leadsTo(images, imageRef, imageId) ? imageRef : imageId;
}

function readImages(paths: Paths): ImageRecords | undefined {
  try {
    return new ImageIndex(join(imagesDir(paths), 'images.json'), tellDamage).read();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    tellDamage(error, 'The images of containers are shown as they were named.');
    return undefined;
  }
}

function leadsTo(images: ImageRecords, name: string, id: string): boolean {
  if (name === id) return true;
  try {
    return matchImage(images, name)?.image.id === id;
  } catch (error) {
    // The beginning of an id that several images share by now.
    if (error instanceof ImageError) return false;
    throw error;
  }
}
