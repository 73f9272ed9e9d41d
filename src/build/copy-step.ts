/** A COPY or ADD: its sources found and read for the cache's key, then, if need be, written. */
import { closeSync, mkdtempSync } from 'node:fs';
import { posix } from 'node:path';
import { join } from 'node:path';
import type { ImageStore } from '../../images/store/image-store.ts';
import { rulesOf, type IgnoreRules } from './context/ignore.ts';
import { parseRemote, withoutUserinfo } from './context/remote-words.ts';
import { cleanPath, matchPaths, treeOf, type SourceTree } from './context/source-tree.ts';
import { oneTree, singleFiles, type Trees } from './copy-trees.ts';
import { BuildError, NotMadeYet } from './errors.ts';
import { copyFiles, type TextFile } from './execute/copy.ts';
import { digestItem, Seen, type CopyItem, type Ownership } from './execute/copy-files.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { findOwner } from './execute/destination.ts';
import { openStage, type NewLayer } from './execute/layer.ts';
import { openMerged } from './execute/merged.ts';
import { withoutTabs } from './parse/heredocs.ts';
import type { CopyInstruction } from './parse/instruction.ts';
import { expandWord } from './parse/shell-words.ts';
import { inLine } from './plan/graph.ts';
import { RemoteSources } from './remote-sources.ts';
import type { Stage } from './stage.ts';

export interface PreparedCopy {
  readonly key: readonly unknown[];
  readonly createdBy: string;
  perform(layer: NewLayer, dirs: readonly string[], time: bigint): Promise<void>;
  close(): void;
}

/** Directories of the layers of a stage or an image, or a tree with rules of its own. */
export type CopySource = readonly string[] | SourceTree;

export interface CopyParts {
  readonly store: ImageStore;
  readonly scope: { readonly escape: string };
  readonly context: () => Promise<SourceTree>;
  readonly ssh: ReadonlyMap<string, string>;
  /** Nothing is fetched. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export class CopyStep {
  constructor(
    private readonly parts: CopyParts,
    private readonly sourceFrom: (name: string, before: number) => Promise<CopySource>,
  ) {}

  /** `say`: lines for the user while something is fetched. */
  async prepare(
    stage: Stage,
    instruction: CopyInstruction,
    before: number,
    say: (text: string) => void = () => undefined,
  ): Promise<PreparedCopy> {
    const { kind, lines, from, keepGitDir } = instruction;
    const { variables } = stage;
    const expand = (word: string): string =>
      inLine(lines, () => expandWord(word, variables, this.parts.scope.escape));
    const sources = instruction.sources.map(expand);
    const given = expand(instruction.destination);
    const destination = absolute(given, stage.config.WorkingDir ?? '/');
    const texts = instruction.heredocs.map(({ name, content, expand: expands, chomp }): TextFile => {
      const text = chomp ? withoutTabs(content) : content;
      return {
        name,
        content: expands ? inLine(lines, () => expandText(text, variables, this.parts.scope.escape)) : text,
      };
    });
    const chown = instruction.chown === undefined ? undefined : expand(instruction.chown);
    const mode = instruction.chmod === undefined ? undefined : octal(expand(instruction.chmod), lines);
    const trees = await this.trees(from, before, instruction.parents ? [] : sources);
    const remotes = new RemoteSources(this.parts.store, {
      agent: this.parts.ssh.get('default'),
      signal: this.parts.signal,
      say,
    });
    const close = (): void => {
      trees.close();
      remotes.close();
    };
    try {
      const ids = await this.owner(stage, chown);
      const owner: Ownership = { ...ids, mode };
      const exclude = rulesOf(instruction.exclude.map(expand));
      const checksum = checksumOf(instruction, expand);
      const keyItems: CopyItem[] = [];
      const items: CopyItem[] = [];
      const more: string[] = [];
      for (const source of sources) {
        const remote = kind === 'ADD' ? parseRemote(source) : undefined;
        if (remote === undefined) {
          if (checksum !== undefined || keepGitDir) throw noRemote(lines);
          const found = localItems(instruction, trees.of(source), source, exclude);
          items.push(...found);
          keyItems.push(...found);
          continue;
        }
        if (this.parts.dryRun) throw new NotMadeYet();
        const { keyTree, key, ...opened } = await remotes.open(remote, instruction, checksum);
        const item: CopyItem = { ...opened, keepsName: false, exclude, isRemote: true };
        items.push(item);
        keyItems.push({ ...item, tree: keyTree });
        more.push(...key);
      }
      const seen = items.map(() => new Seen());
      const digests: string[] = [];
      for (const [index, item] of keyItems.entries())
        digests.push(await digestItem(item, owner, seen[index] ?? new Seen()));
      const flags = `${chown === undefined ? '' : ` --chown=${chown}`}${instruction.chmod === undefined ? '' : ` --chmod=${expand(instruction.chmod)}`}`;
      const shown = [
        ...instruction.heredocs.map(({ name }) => `<<${name}`),
        ...sources.map(withoutUserinfo),
        given,
      ].join(' ');
      return {
        key: [
          kind,
          destination,
          instruction.parents,
          items.map(({ name, isRemote = false }) => [name, isRemote]),
          digests,
          texts,
          owner,
          ...more,
        ],
        createdBy: `${kind}${flags} ${shown} # buildkit`,
        perform: (layer, dirs, time) =>
          withRoot(openStage(layer, dirs), (root) =>
            copyFiles({ root, items, texts, destination, owner, seen, extracts: kind === 'ADD', time }),
          ),
        close,
      };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** All of the context, or of one that has a name, into an empty stage. */
  async prepareContext(stage: Stage, from?: string): Promise<PreparedCopy> {
    const text = 'COPY . /';
    return this.prepare(
      stage,
      {
        kind: 'COPY',
        text,
        lines: { first: 0, last: 0 },
        sources: ['.'],
        ...(from === undefined ? {} : { from }),
        heredocs: [],
        destination: '/',
        link: false,
        parents: false,
        exclude: [],
        keepGitDir: false,
      },
      0,
    );
  }

  /** The tree that each source is of. `plain`: sources that may be single files, found without a mount. */
  private async trees(from: string | undefined, before: number, plain: readonly string[]): Promise<Trees> {
    if (from === undefined) return oneTree(await this.parts.context());
    const source = await this.sourceFrom(from, before);
    if ('rules' in source) return oneTree(source);
    const found = plain.length === 0 ? undefined : singleFiles(source, plain);
    if (found !== undefined) return found;
    const root = await this.merged(source);
    return { ...oneTree(treeOf(root, false)), close: () => closeSync(root) };
  }

  /** Read-only. */
  private async merged(dirs: readonly string[]): Promise<number> {
    const work = await this.parts.store.prepareLayer();
    const target = mkdtempSync(join(work, 'merged-'));
    try {
      return openMerged(dirs, target);
    } finally {
      removeTree(work);
    }
  }

  private async owner(stage: Stage, chown: string | undefined): Promise<Ownership> {
    if (chown === undefined) return {};
    if (/^\d+(:\d+)?$/.test(chown)) {
      const [uid = 0, gid = uid] = chown.split(':').map(Number);
      return { uid, gid };
    }
    return withRoot(await this.merged(stage.dirs), (root) => Promise.resolve(findOwner(root, chown)));
  }
}

const localItems = (
  instruction: CopyInstruction,
  tree: SourceTree,
  source: string,
  exclude: IgnoreRules,
): readonly CopyItem[] =>
  matchPaths(tree, source).map((path) => ({
    tree,
    path,
    name: nameOf(instruction, source, path),
    keepsName: instruction.parents,
    exclude,
  }));

const noRemote = (lines: CopyInstruction['lines']): BuildError =>
  new BuildError({
    code: 'DOCKERFILE_SYNTAX',
    message: 'checksum and keep-git-dir are for sources of the web and Git repositories',
    lines,
  });

async function withRoot<T>(root: number, work: (root: number) => Promise<T>): Promise<T> {
  try {
    return await work(root);
  } finally {
    closeSync(root);
  }
}

function absolute(given: string, workingDir: string): string {
  const path = posix.resolve('/', workingDir, given);
  const isDirectory = given === '' || given.endsWith('/') || /(^|\/)\.\.?$/.test(given);
  return isDirectory && !path.endsWith('/') ? `${path}/` : path;
}

/** A here-document's text: variables are put in, quotes stay. */
const expandText = (text: string, variables: ReadonlyMap<string, string>, escape: string): string =>
  expandWord(
    text.replace(/["']/g, (quote) => `${escape}${quote}`),
    variables,
    escape,
  );

function octal(text: string, lines: CopyInstruction['lines']): number {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  throw new BuildError({
    code: 'INVALID_MODE',
    message: `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
    lines,
  });
}

/** What a file, or with --parents also a directory, is called below the destination. */
function nameOf({ parents }: CopyInstruction, source: string, path: string): string {
  if (!parents) return posix.basename(cleanPath(source).length === 0 ? '' : path);
  const pivot = source.indexOf('/./');
  return pivot < 0 ? path : path.slice(cleanPath(source.slice(0, pivot)).join('/').length).replace(/^\//, '');
}

function checksumOf(
  { checksum, lines }: CopyInstruction,
  expand: (word: string) => string,
): string | undefined {
  if (checksum === undefined) return undefined;
  const text = expand(checksum);
  if (/^(sha256:[0-9a-f]{64}|[0-9a-f]{40})$/.test(text)) return text;
  throw new BuildError({
    code: 'DOCKERFILE_SYNTAX',
    message: `invalid checksum digest format "${text}": sha256:… is one`,
    lines,
  });
}
