/** The sources of an ADD that are not of the context: files of the web and Git repositories, as trees to copy from. */
import { closeSync, mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { openDirectory } from '../engine/files/tree-sink.ts';
import { NO_RULES, rulesOf } from './context/ignore.ts';
import { withoutUserinfo, type Remote } from './context/remote-words.ts';
import { cleanPath, treeOf, type SourceTree } from './context/source-tree.ts';
import { BuildError } from './errors.ts';
import type { CopyInstruction } from './parse/instruction.ts';

export interface RemoteSource {
  readonly tree: SourceTree;
  /** What the key is made of: `.git` has times and orders that are no content. */
  readonly keyTree: SourceTree;
  readonly path: string;
  readonly name: string;
  /** Nanoseconds, for all files: those of a checkout are of now. */
  readonly time: bigint | undefined;
  readonly key: readonly string[];
}

export class RemoteSources {
  private work: string | undefined;
  private readonly roots: number[] = [];

  constructor(
    private readonly store: ImageStore,
    private readonly options: {
      /** The socket for keys of ssh. */
      readonly agent: string | undefined;
      readonly signal: AbortSignal;
      readonly say: (text: string) => void;
    },
  ) {}

  async open(
    remote: Remote,
    instruction: CopyInstruction,
    checksum: string | undefined,
  ): Promise<RemoteSource> {
    const { agent, signal, say } = this.options;
    this.work ??= await this.store.prepareLayer();
    const directory = mkdtempSync(join(this.work, 'remote-'));
    if (remote.kind === 'url') {
      if (instruction.keepGitDir) throw misplaced('keep-git-dir', instruction);
      const { url } = remote;
      const shown = withoutUserinfo(url);
      const onProgress = (bytes: number): void =>
        say(`${shown}: ${String(Math.floor(bytes / (1 << 20)))} MB so far\n`);
      const { fetchUrl } = await import('./context/fetch-url.ts');
      const { name } = await fetchUrl(url, directory, { checksum, signal, onProgress });
      const tree = this.tree(directory);
      return { tree, keyTree: tree, path: name, name, time: undefined, key: [] };
    }
    const { keepGitDir } = instruction;
    if (checksum !== undefined && !/^[0-9a-f]{40}$/.test(checksum)) throw misplaced('checksum', instruction);
    const files = join(directory, 'files');
    const { fetchGit } = await import('./context/fetch-git.ts');
    const { commit, time } = await fetchGit(remote, files, { keepGitDir, agent, signal });
    if (checksum !== undefined && checksum !== commit)
      throw new BuildError({
        code: 'FETCH_FAILED',
        message: `digest mismatch ${commit}: ${checksum} of ${withoutUserinfo(remote.repository)}`,
        lines: instruction.lines,
      });
    const tree = this.tree(files);
    const keyTree = keepGitDir ? { ...tree, rules: rulesOf(['.git']) } : tree;
    const path = cleanPath(remote.subdir).join('/');
    return { tree, keyTree, path, name: '', time, key: keepGitDir ? ['.git', commit] : [] };
  }

  close(): void {
    for (const root of this.roots) closeSync(root);
    if (this.work !== undefined) removeTree(this.work);
  }

  private tree(directory: string): SourceTree {
    mkdirSync(directory, { recursive: true });
    const root = openDirectory(directory);
    this.roots.push(root);
    return treeOf(root, true, NO_RULES);
  }
}

const misplaced = (flag: string, { lines }: CopyInstruction): BuildError =>
  new BuildError({
    code: 'DOCKERFILE_SYNTAX',
    message: `ADD --${flag} does not go with this source`,
    lines,
  });
