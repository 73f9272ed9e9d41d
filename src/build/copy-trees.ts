/** Where a COPY --from finds its sources: all in one tree, or each plain file in the layer that it comes from. */
import { closeSync } from 'node:fs';
import { openDirectory } from '../engine/files/tree-sink.ts';
import { cleanPath, isPattern, treeOf, type SourceTree } from './context/source-tree.ts';
import { layerOfFile } from './execute/layer-of-file.ts';

export interface Trees {
  readonly of: (source: string) => SourceTree;
  readonly close: () => void;
}

export const oneTree = (tree: SourceTree): Trees => ({ of: () => tree, close: () => undefined });

/** Where each source is a plain file of one layer; undefined where one is not. */
export function singleFiles(layers: readonly string[], sources: readonly string[]): Trees | undefined {
  const roots: number[] = [];
  const close = (): void => roots.splice(0).forEach((root) => closeSync(root));
  try {
    for (const layer of layers) roots.push(openDirectory(layer));
    const trees = roots.map((root) => treeOf(root, false));
    const found = new Map<string, SourceTree>();
    for (const source of sources) {
      const index = isPattern(source) ? undefined : layerOfFile(roots, cleanPath(source));
      const tree = index === undefined ? undefined : trees[index];
      if (tree === undefined) {
        close();
        return undefined;
      }
      found.set(source, tree);
    }
    const of = (source: string): SourceTree => {
      const tree = found.get(source);
      if (tree === undefined) throw new Error(`no layer was found for ${source}`);
      return tree;
    };
    return { of, close };
  } catch (error) {
    close();
    throw error;
  }
}
