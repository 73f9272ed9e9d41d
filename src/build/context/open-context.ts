/** What `build` was given as context and Dockerfile: a folder, a tar archive or a Dockerfile on standard input. */
import { closeSync, constants, createReadStream, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import type { ImageStore } from '../../../images/store/image-store.ts';
import { fromText } from '../../../images/unpack/paths.ts';
import { openInRoot } from '../../../runtime/rootfs/in-root.ts';
import { O_PATH } from '../../../runtime/syscall/constants.ts';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { namedCalls as calls } from '../../../runtime/syscall/named-calls.ts';
import { extractArchive } from '../../engine/files/archive.ts';
import { openDirectory, TreeSink } from '../../engine/files/tree-sink.ts';
import { removeTree } from '../../engine/state/remove-tree.ts';
import { untilInterrupt } from '../../engine/images/until-interrupt.ts';
import { BuildError } from '../errors.ts';
import { MAX_DOCKERFILE } from '../parse/document.ts';
import type { GitOptions } from './fetch-git.ts';
import { parseIgnore } from './ignore.ts';
import { parseRemote, type Remote } from './remote-words.ts';
import { treeOf, type SourceTree } from './source-tree.ts';

export interface OpenedContext {
  /** Of the Dockerfile. */
  readonly text: string;
  readonly tree: SourceTree;
  close(): void;
}

export async function openContext(
  store: ImageStore,
  context: string,
  file: string | undefined,
  stdin: Readable,
  ssh: ReadonlyMap<string, string>,
  interrupted: () => Error,
): Promise<OpenedContext> {
  const remote = parseRemote(context);
  if (remote?.kind === 'git') {
    const agent = ssh.get('default');
    return untilInterrupt(interrupted, (signal) => openRepository(store, remote, file, { agent, signal }));
  }
  if (context !== '-' && remote === undefined) {
    const root = openFolder(context);
    try {
      const text = file === '-' ? (await readAll(stdin)).toString() : readDockerfile(root, file);
      return {
        text,
        tree: treeOf(root, true, rulesOfFolder(root, file, context)),
        close: () => closeSync(root),
      };
    } catch (error) {
      closeSync(root);
      throw error;
    }
  }
  if (file === '-' && context === '-')
    throw new BuildError({
      code: 'INVALID_FLAG',
      message: "invalid argument: can't use stdin for both build context and dockerfile",
    });
  const work = await store.prepareLayer();
  const dir = join(work, 'context');
  mkdirSync(dir, { mode: 0o700 });
  const close = (): void => void removeTree(work);
  const root = openDirectory(dir);
  try {
    const [head, rest] = await peek(
      remote === undefined
        ? stdin
        : await untilInterrupt(interrupted, (signal) => download(remote.url, work, signal)),
    );
    if (isText(head)) {
      const text = (await readAll(rest)).toString();
      return { text, tree: treeOf(root, true), close: () => void (closeSync(root), close()) };
    }
    await extractArchive(rest, new TreeSink({ root, base: '', keepOwners: true }));
    const name = file ?? 'Dockerfile';
    const text = file === '-' ? (await readAll(stdin)).toString() : (readIn(root, name) ?? missing(name));
    const tree = treeOf(root, true, rules(root, file, dir));
    return { text, tree, close: () => void (closeSync(root), close()) };
  } catch (error) {
    closeSync(root);
    close();
    throw error;
  }
}

/** A file of the web: a Dockerfile, or an archive with one. */
async function download(url: string, work: string, signal: AbortSignal): Promise<Readable> {
  const directory = join(work, 'download');
  mkdirSync(directory, { mode: 0o700 });
  const { fetchUrl } = await import('./fetch-url.ts');
  const { name } = await fetchUrl(url, directory, { signal });
  return createReadStream(join(directory, name), { highWaterMark: 1 << 20 });
}

async function openRepository(
  store: ImageStore,
  remote: Extract<Remote, { kind: 'git' }>,
  file: string | undefined,
  options: Omit<GitOptions, 'keepGitDir'>,
): Promise<OpenedContext> {
  const work = await store.prepareLayer();
  const roots: number[] = [];
  const close = (): void => {
    for (const root of roots) closeSync(root);
    removeTree(work);
  };
  try {
    const { fetchGit } = await import('./fetch-git.ts');
    const { directory } = await fetchGit(remote, join(work, 'context'), { ...options, keepGitDir: false });
    const top = openDirectory(directory);
    roots.push(top);
    // A link of the repository leads nowhere else.
    const root = openInRoot(calls, top, fromText(remote.subdir), O_PATH | constants.O_DIRECTORY);
    roots.push(root);
    const name = file ?? 'Dockerfile';
    const text = readIn(root, name) ?? missing(name);
    return { text, tree: treeOf(root, true, rules(root, file, directory)), close };
  } catch (error) {
    close();
    throw error;
  }
}

function openFolder(path: string): number {
  try {
    return openDirectory(path);
  } catch (error) {
    const code = errnoOf(error);
    const reason = code === 'ENOENT' ? 'not found' : code === 'ENOTDIR' ? 'not a directory' : code;
    throw new BuildError({
      code: 'NO_CONTEXT',
      message: `unable to prepare context: path "${path}" ${reason}`,
      cause: error,
    });
  }
}

/** -f counts from the working directory; without it the file is in the context. */
function readDockerfile(root: number, file: string | undefined): string {
  if (file === undefined)
    return readIn(root, 'Dockerfile') ?? readIn(root, 'dockerfile') ?? missing('Dockerfile');
  const fd = openIfThere(resolve(file));
  return fd === undefined ? (readIn(root, file) ?? missing(file)) : readFile(fd, file);
}

function missing(name: string): never {
  throw new BuildError({
    code: 'NO_DOCKERFILE',
    message: `failed to read dockerfile: open ${name}: no such file or directory`,
    hint: 'Name the file with -f, counted from the current directory.',
  });
}

function rules(root: number, file: string | undefined, context: string): ReturnType<typeof parseIgnore> {
  const own = file === undefined || file === '-' ? 'Dockerfile' : relativeTo(context, file);
  const text = readIn(root, `${own}.dockerignore`) ?? readIn(root, '.dockerignore');
  return parseIgnore(text ?? '');
}

/** Of a folder: what is next to a Dockerfile outside of it counts too. */
function rulesOfFolder(
  root: number,
  file: string | undefined,
  context: string,
): ReturnType<typeof parseIgnore> {
  const beside =
    file === undefined || file === '-' ? undefined : openIfThere(`${resolve(file)}.dockerignore`);
  return beside === undefined ? rules(root, file, context) : parseIgnore(readFile(beside, '.dockerignore'));
}

/** undefined: there is no such file. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
}

/** Of a context without a Dockerfile. */
export const readRules = (root: number): ReturnType<typeof parseIgnore> =>
  parseIgnore(readIn(root, '.dockerignore') ?? '');

function relativeTo(context: string, file: string): string {
  const [base, path] = [resolve(context), resolve(file)];
  return path.startsWith(`${base}/`) ? path.slice(base.length + 1) : file;
}

/** undefined: there is no such file. @throws BuildError for what is no file, or too long. */
function readIn(root: number, name: string): string | undefined {
  let fd: number;
  try {
    const found = openInRoot(calls, root, fromText(name), O_PATH);
    const isFile = fstatSync(found).isFile();
    closeSync(found);
    if (!isFile) throw noFile(name);
    fd = openInRoot(calls, root, fromText(name), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw error;
  }
  return readFile(fd, name);
}

/** Closes the descriptor. */
function readFile(fd: number, name: string): string {
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw noFile(name);
    if (stats.size > MAX_DOCKERFILE)
      throw new BuildError({
        code: 'FILE_TOO_LONG',
        message: `${name} has ${String(stats.size)} bytes; a megabyte is the most`,
      });
    const bytes = Buffer.alloc(stats.size);
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

const noFile = (name: string): BuildError =>
  new BuildError({
    code: 'NO_DOCKERFILE',
    message: `failed to read dockerfile: ${name} is not a regular file`,
  });

/** An archive has a NUL or a magic number in its first bytes, a Dockerfile has neither. */
const isText = (head: Buffer): boolean =>
  !head.includes(0) &&
  !['1f8b', '425a68', 'fd377a58', '28b52ffd'].some((hex) => head.toString('hex').startsWith(hex));

async function peek(stream: Readable): Promise<readonly [Buffer, Readable]> {
  const chunks: Buffer[] = [];
  const iterator: AsyncIterator<Buffer, undefined> = (stream as AsyncIterable<Buffer, undefined>)[
    Symbol.asyncIterator
  ]();
  let length = 0;
  while (length < 512) {
    const next = await iterator.next();
    if (next.done === true) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  const rest = async function* (): AsyncGenerator<Buffer> {
    yield* chunks;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  return [Buffer.concat(chunks).subarray(0, 512), Readable.from(rest())];
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_DOCKERFILE)
      throw new BuildError({
        code: 'FILE_TOO_LONG',
        message: 'the Dockerfile on standard input is longer than a megabyte',
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
