/** The build's contexts as stages: what `FROM name`, `COPY --from=name` and mounts of a context begin with. */
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import { SCRATCH, stageOf, type Begun } from './bases.ts';
import { imageOfLayout, type NamedContexts } from './context/named-contexts.ts';
import { readRules } from './context/open-context.ts';
import { treeOf, type SourceTree } from './context/source-tree.ts';
import type { CopyStep } from './copy-step.ts';
import type { LayerCache } from './layer-cache.ts';
import { openDirectory } from '../engine/files/tree-sink.ts';
import type { Stage } from './stage.ts';

export interface ContextParts {
  readonly store: ImageStore;
  readonly contexts: NamedContexts;
  readonly image: (name: string, platform: string | undefined) => Promise<StoredImage>;
  readonly copies: CopyStep;
  readonly cache: LayerCache;
}

export class ContextStages {
  private readonly begins = new Map<string, Promise<Begun>>();
  private readonly trees = new Map<string, SourceTree>();

  constructor(private readonly parts: ContextParts) {}

  has = (name: string): boolean => this.parts.contexts.has(name.toLowerCase());

  /** The build's own context, as a stage of one layer. */
  main = (): Promise<Stage> => this.copied(undefined);

  begun(given: string): Promise<Begun> {
    const name = given.toLowerCase();
    const begun = this.begins.get(name) ?? this.begin(name);
    this.begins.set(name, begun);
    return begun;
  }

  /** The files of a folder, to be copied from without a layer of them. */
  folder(given: string): Promise<SourceTree | undefined> {
    const name = given.toLowerCase();
    const context = this.parts.contexts.get(name);
    if (context?.kind !== 'folder') return Promise.resolve(undefined);
    const known = this.trees.get(name);
    if (known !== undefined) return Promise.resolve(known);
    const root = openDirectory(context.path);
    const tree = treeOf(root, true, readRules(root));
    this.trees.set(name, tree);
    return Promise.resolve(tree);
  }

  close(): void {
    for (const tree of this.trees.values()) tree.close();
    this.trees.clear();
  }

  private async begin(name: string): Promise<Begun> {
    const { contexts, image, store } = this.parts;
    const context = contexts.get(name);
    switch (context?.kind) {
      case 'image':
        return stageOf(store, await image(context.name, undefined));
      case 'layout':
        return stageOf(store, await imageOfLayout(store, context));
      default:
        return { stage: await this.copied(name), triggers: [] };
    }
  }

  private async copied(from: string | undefined): Promise<Stage> {
    const { copies, cache } = this.parts;
    const copy = await copies.prepareContext(SCRATCH, from);
    try {
      return await cache.layer(
        SCRATCH,
        copy.createdBy,
        copy.key,
        () => undefined,
        (layer) => copy.perform(layer, [], cache.time),
      );
    } finally {
      copy.close();
    }
  }
}
