/**
 * A Git repository's files, by the host's git: one commit without history where the server can, with its submodules.
 * git asks no questions, runs no hooks of the repository (a new one has none) and speaks only protocols of the net.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { removeTree } from '../../engine/state/remove-tree.ts';
import { BuildError } from '../errors.ts';
import { withoutUserinfo, type Remote } from './remote-words.ts';

export interface Checkout {
  readonly directory: string;
  /** 40 hex digits. */
  readonly commit: string;
  /** Of the commit, nanoseconds. */
  readonly time: bigint;
}

export interface GitOptions {
  readonly keepGitDir: boolean;
  /** The socket for keys of ssh. */
  readonly agent?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of one command: a server may say nothing for ever. */
const LONGEST = 30 * 60_000;

/** Characters that are kept of what a command prints. */
const MAX_OUTPUT = 1 << 20;

const PROTOCOLS = 'http:https:ssh:git';

/** Into `directory`, which is new. @throws BuildError with git's words. */
export async function fetchGit(
  { repository, ref = 'HEAD' }: Extract<Remote, { kind: 'git' }>,
  directory: string,
  { keepGitDir, agent, signal }: GitOptions,
): Promise<Checkout> {
  // A name that begins so would be an option to git.
  if (ref.startsWith('-') || repository.startsWith('-'))
    throw failed(repository, `"${ref}" is no name of a commit`);
  mkdirSync(directory, { mode: 0o755 });
  const git = async (...args: readonly string[]): Promise<string> =>
    run(directory, args, { agent, signal }, repository);
  await git('init', '-q');
  // Its address comes by the environment (run): a password in it stands in no command line.
  await git('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  const fetch = (...more: readonly string[]): Promise<string> =>
    git('fetch', '-q', '--no-tags', ...more, 'origin', ref);
  try {
    await fetch('--depth=1');
  } catch (error) {
    // A plain web server has no shallow fetch, and many servers give single commits to nobody.
    await fetch().catch(async () => {
      if (!/^[0-9a-f]{7,40}$/.test(ref)) throw error;
      await git('fetch', '-q', 'origin', '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*');
      await git('update-ref', 'FETCH_HEAD', `${ref}^{commit}`);
    });
  }
  await git('checkout', '-q', '--detach', 'FETCH_HEAD');
  if (existsSync(join(directory, '.gitmodules')))
    await git('submodule', 'update', '-q', '--init', '--recursive', '--depth=1');
  const [commit = '', seconds = ''] = (await git('log', '-1', '--format=%H %ct')).trim().split(' ');
  if (keepGitDir) cleanConfigs(join(directory, '.git'), repository);
  else removeTree(join(directory, '.git'));
  return { directory, commit, time: BigInt(seconds) * 1_000_000_000n };
}

function run(
  cwd: string,
  args: readonly string[],
  { agent, signal }: Omit<GitOptions, 'keepGitDir'>,
  repository: string,
): Promise<string> {
  const env = {
    ...process.env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: PROTOCOLS,
    // A Dockerfile or a submodule names the address: none of root's keys, passwords or settings go there.
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ASKPASS: undefined,
    HOME: '/dev/null',
    GIT_SSH_COMMAND: 'ssh -F /dev/null -o BatchMode=yes -o IdentityFile=/dev/null',
    SSH_AUTH_SOCK: agent,
    GIT_DIR: undefined,
    GIT_WORK_TREE: undefined,
    GIT_INDEX_FILE: undefined,
    // The caller's own settings would go to whatever address a Dockerfile names.
    GIT_CONFIG_PARAMETERS: undefined,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'remote.origin.url',
    GIT_CONFIG_VALUE_0: repository,
  };
  const words = ['-c', 'core.hooksPath=/dev/null', '-c', 'advice.detachedHead=false', ...args];
  return new Promise((resolve, reject) => {
    // A process group of its own: git's helpers, which hold the connection, end with it.
    const child = spawn('git', words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].on('data', (chunk: Buffer) => {
        output[name] = (output[name] + chunk.toString()).slice(-MAX_OUTPUT);
      });
    const kill = (): void => killGroup(child.pid);
    const timer = setTimeout(kill, LONGEST);
    signal?.addEventListener('abort', kill, { once: true });
    if (signal?.aborted === true) kill();
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
    };
    child.once('error', (error) => {
      end();
      const isMissing = errnoOf(error) === 'ENOENT';
      reject(failed(repository, isMissing ? 'git is not installed: apt install git' : error.message));
    });
    child.once('close', (status, killedBy) => {
      end();
      if (signal?.aborted === true) reject(signal.reason as Error);
      else if (status === 0) resolve(output.stdout);
      else {
        const how = killedBy === null ? `exit status ${String(status)}` : `killed by ${killedBy}`;
        reject(failed(repository, `git ${args.join(' ')}: ${output.stderr.trim() || how}`));
      }
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error; // All of it has ended.
  }
}

const failed = (repository: string, why: string): BuildError =>
  new BuildError({
    code: 'GIT_FAILED',
    message: `failed to fetch the Git repository ${withoutUserinfo(repository)}: ${withoutUserinfo(why)}`,
  });

/** What stays in an image: the address, and those of submodules, without passwords. All of it is git's own. */
function cleanConfigs(gitDir: string, repository: string): void {
  const own = join(gitDir, 'config');
  appendFileSync(own, `[remote "origin"]\n\turl = ${withoutUserinfo(repository)}\n`);
  const modules = join(gitDir, 'modules');
  const found = existsSync(modules) ? readdirSync(modules, { recursive: true, withFileTypes: true }) : [];
  const configs = found.filter((entry) => entry.isFile() && entry.name === 'config');
  for (const file of [own, ...configs.map(({ parentPath, name }) => join(parentPath, name))])
    writeFileSync(file, withoutUserinfo(readFileSync(file, 'latin1')), 'latin1');
}
