/**
 * `RUN --mount`: what of the host and of other stages a RUN sees while it runs. Nothing of it is in the layer, and
 * neither a secret nor a socket is part of a key, of the arguments or of the history.
 */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import { tryLock, type Lock } from '../engine/state/lock.ts';
import { cacheMountsDir } from '../engine/state/paths.ts';
import { ensurePrivateDir } from '../io/private-dir.ts';
import { delay } from '../../runtime/io/delay.ts';
import { BuildError } from './errors.ts';
import type { Scope } from './metadata.ts';
import type { MountOptions, RunInstruction } from './parse/instruction.ts';
import { expandWord } from './parse/shell-words.ts';
import { inLine } from './plan/graph.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { variablesOf, type Stage } from './stage.ts';

export interface MountSources {
  readonly engine: Engine;
  /** By id. */
  readonly secrets: ReadonlyMap<string, () => Buffer>;
  /** Sockets by id. */
  readonly ssh: ReadonlyMap<string, string>;
  /** A stage or an image by name; the context without one. */
  readonly source: (name: string | undefined) => Promise<Stage>;
}

export interface HeldMounts {
  readonly flags: Partial<CreateRequest>;
  readonly env: readonly string[];
  release(): void;
}

export interface PreparedMounts {
  readonly key: readonly unknown[];
  hold(script: { readonly path: string; readonly content: string } | undefined): Promise<HeldMounts>;
}

type Hold = (held: Holding) => void | Promise<void>;

interface Holding {
  readonly mounts: string[];
  readonly tmpfs: string[];
  readonly env: string[];
  readonly images: Map<string, StoredImage>;
  readonly undo: (() => void)[];
  /** A directory for files of this RUN, in memory. */
  readonly dir: () => string;
}

const POLL = 50;

export class RunMounts {
  constructor(private readonly sources: MountSources) {}

  async prepare(instruction: RunInstruction, stage: Stage, { escape }: Scope): Promise<PreparedMounts> {
    const variables = variablesOf(stage);
    const key: unknown[] = [];
    const holds: Hold[] = [];
    for (const given of instruction.mounts) {
      const options = new Map(
        [...given].map(([name, value]) => [
          name,
          inLine(instruction.lines, () => expandWord(value, variables, escape)),
        ]),
      );
      const prepared = await this.mount(options, stage, instruction);
      key.push(prepared.key);
      if (prepared.hold !== undefined) holds.push(prepared.hold);
    }
    return { key, hold: (script) => this.hold(holds, script) };
  }

  private async hold(
    holds: readonly Hold[],
    script: { readonly path: string; readonly content: string } | undefined,
  ): Promise<HeldMounts> {
    const undo: (() => void)[] = [];
    let dir: string | undefined;
    const makeDir = (): string => {
      if (dir !== undefined) return dir;
      const parent = join(this.sources.engine.paths.run, 'build');
      ensurePrivateDir(parent);
      const made = mkdtempSync(join(parent, 'run-'));
      undo.push(() => rmSync(made, { recursive: true, force: true }));
      return (dir = made);
    };
    const held: Holding = { mounts: [], tmpfs: [], env: [], images: new Map(), undo, dir: makeDir };
    const release = (): void => undo.reverse().forEach((each) => each());
    try {
      for (const each of holds) await each(held);
      if (script !== undefined) {
        const file = join(makeDir(), 'script');
        writeFileSync(file, script.content, { mode: 0o755 });
        held.mounts.push(`type=bind,src=${file},dst=${script.path},readonly`);
      }
    } catch (error) {
      release();
      throw error;
    }
    const { mounts, tmpfs, env, images } = held;
    return { flags: { mount: mounts, tmpfs, mountedImages: images }, env, release };
  }

  private async mount(
    options: MountOptions,
    stage: Stage,
    { lines }: RunInstruction,
  ): Promise<{ readonly key: unknown; readonly hold?: Hold }> {
    const target = posix.resolve('/', stage.config.WorkingDir ?? '/', options.get('target') ?? '');
    if (/[,"]/.test(target)) throw refused(`a mount at "${target}"`, lines);
    switch (options.get('type')) {
      case 'tmpfs': {
        const size = options.get('size');
        if (target.includes(':') || size?.includes(',') === true)
          throw refused(`a tmpfs at "${target}"`, lines);
        return {
          key: ['tmpfs', target],
          hold: ({ tmpfs }) =>
            void tmpfs.push(`${target}:exec,mode=1777${size === undefined ? '' : `,size=${size}`}`),
        };
      }
      case 'cache':
        return this.cache(options, target, lines);
      case 'secret':
        return this.secret(options, target, lines);
      case 'ssh':
        return this.agent(options, target, lines);
      default:
        return this.bind(options, target, lines);
    }
  }

  /** An image of layers that PID 1 merges and mounts read-only. */
  private async bind(
    options: MountOptions,
    target: string,
    lines: RunInstruction['lines'],
  ): Promise<{ readonly key: unknown; readonly hold: Hold }> {
    if (options.has('rw') && options.get('rw') !== 'false') throw refused('RUN --mount=type=bind,rw', lines);
    const { source } = this.sources;
    const stage = await source(options.get('from'));
    const subpath = (options.get('source') ?? '')
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    // It becomes a word of a --mount, where a comma begins another option.
    if (/[,"]/.test(subpath)) throw refused(`a mount of "${subpath}"`, lines);
    const name = `build-${String(stage.key)}`;
    const image: StoredImage = {
      id: '',
      config: { architecture: '', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: [] } },
      manifestDigest: '',
      tags: [],
      repoDigests: [],
      layerDirs: stage.dirs,
      size: 0,
      lastTagged: '',
    };
    return {
      key: ['bind', target, subpath, stage.key],
      hold: ({ mounts, images }) => {
        images.set(name, image);
        const below = subpath === '' ? '' : `,image-subpath=${subpath}`;
        mounts.push(`type=image,src=${name},dst=${target}${below}`);
      },
    };
  }

  private cache(
    options: MountOptions,
    target: string,
    lines: RunInstruction['lines'],
  ): { readonly key: unknown; readonly hold: Hold } {
    for (const name of ['from', 'source'])
      if (options.has(name)) throw refused(`RUN --mount=type=cache,${name}`, lines);
    const id = options.get('id') ?? target;
    const sharing = options.get('sharing') ?? 'shared';
    if (!['shared', 'private', 'locked'].includes(sharing))
      throw new BuildError({
        code: 'DOCKERFILE_SYNTAX',
        message: `unsupported sharing value "${sharing}"`,
        lines,
      });
    const mode = Number.parseInt(options.get('mode') ?? '0755', 8);
    const ids = [Number(options.get('uid') ?? 0), Number(options.get('gid') ?? 0)] as const;
    return {
      key: ['cache', target, id],
      hold: async ({ mounts, undo }) => {
        const name = createHash('sha256').update(id).digest('hex');
        const base = join(cacheMountsDir(this.sources.engine.paths), name);
        ensurePrivateDir(base);
        let dir = join(base, 'data');
        if (sharing !== 'shared') {
          const taken = await claim(base, sharing);
          dir = taken.dir;
          undo.push(() => taken.lock.release());
        }
        if (mkdirSync(dir, { recursive: true }) !== undefined) {
          chownSync(dir, ...ids);
          chmodSync(dir, mode);
        }
        const readOnly = options.has('ro') && options.get('ro') !== 'false' ? ',readonly' : '';
        mounts.push(`type=bind,src=${dir},dst=${target}${readOnly}`);
      },
    };
  }

  private secret(
    options: MountOptions,
    target: string,
    lines: RunInstruction['lines'],
  ): { readonly key: unknown; readonly hold?: Hold } {
    if (options.has('env')) throw refused('RUN --mount=type=secret,env', lines);
    const given = options.get('target');
    const id = options.get('id') ?? (given === undefined ? '' : posix.basename(given));
    const path = given === undefined ? `/run/secrets/${id}` : target;
    const read = this.sources.secrets.get(id);
    const key = ['secret', path, id];
    if (read === undefined) {
      if (options.get('required') === 'true')
        throw new BuildError({ code: 'NO_SUCH_SECRET', message: `secret ${id}: not found`, lines });
      return { key };
    }
    return { key, hold: fileMount(options, path, read, '0400') };
  }

  private agent(
    options: MountOptions,
    target: string,
    lines: RunInstruction['lines'],
  ): { readonly key: unknown; readonly hold?: Hold } {
    const id = options.get('id') ?? 'default';
    const socket = this.sources.ssh.get(id);
    const path = options.has('target') ? target : '/run/buildkit/ssh_agent.0';
    if (socket === undefined) {
      if (options.get('required') === 'true')
        throw new BuildError({ code: 'NO_SSH_AGENT', message: `unset ssh forward key ${id}`, lines });
      return { key: ['ssh', id] };
    }
    return {
      key: ['ssh', path, id],
      hold: ({ mounts, env }) => {
        mounts.push(`type=bind,src=${socket},dst=${path}`);
        env.push(`SSH_AUTH_SOCK=${path}`);
      },
    };
  }
}

const fileMount =
  (options: MountOptions, path: string, read: () => Buffer, usual: string): Hold =>
  ({ mounts, dir }) => {
    const file = join(dir(), `secret-${String(mounts.length)}`);
    writeFileSync(file, read(), { mode: 0o600 });
    chownSync(file, Number(options.get('uid') ?? 0), Number(options.get('gid') ?? 0));
    chmodSync(file, Number.parseInt(options.get('mode') ?? usual, 8));
    mounts.push(`type=bind,src=${file},dst=${path},readonly`);
  };

/** locked: waits for the one directory; private: takes the first that no other RUN has. */
async function claim(base: string, sharing: string): Promise<{ readonly dir: string; readonly lock: Lock }> {
  for (;;) {
    for (let number = 0; number < (sharing === 'locked' ? 1 : 1000); number++) {
      const suffix = number === 0 ? '' : `-${String(number)}`;
      const lock = tryLock(join(base, `lock${suffix}`));
      if (lock !== undefined) return { dir: join(base, `data${suffix}`), lock };
    }
    await delay(POLL);
  }
}

const refused = (what: string, lines: RunInstruction['lines']): BuildError =>
  new BuildError({ code: 'NOT_SUPPORTED', message: `${what} is not supported by minidock yet`, lines });
