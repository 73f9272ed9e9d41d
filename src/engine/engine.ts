/** What commands are given: the stores, opened when first needed. */
import type { ImageStore } from '../../images/store/image-store.ts';
import type { Paths } from './state/paths.ts';
import { ContainerStore } from './state/store.ts';

export class Engine {
  readonly containers: ContainerStore;
  private imageStore: ImageStore | undefined;

  constructor(readonly paths: Paths) {
    this.containers = new ContainerStore(paths);
  }

  /** Loaded on demand: most commands on containers never look at an image. */
  async images(): Promise<ImageStore> {
    const { openImageStore } = await import('./images/image-store.ts');
    return (this.imageStore ??= openImageStore(this.paths));
  }
}
