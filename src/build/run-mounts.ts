/**
 * `RUN --mount`: what of the host and of other stages a RUN sees while it runs. Nothing of it is in the layer, and
 * neither a secret nor a socket is part of a key, of the arguments or of the history.
 */
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { StoredImage } from '../../images/types.ts';
import { csvLine } from '../engine/spec/csv.ts';
import { removeTree } from '../engine/state/remove-tree.ts';
import { BuildError } from './errors.ts';
import { makeHeldDir } from './held-files.ts';
import { cacheMount } from './cache-mount.ts';
import { copyForMount } from './mount-copies.ts';
import {
  isSet,
  subpathOf,
  type HeldMounts,
  type Hold,
  type Holding,
  type MountSources,
} from './mount-options.ts';
import type { Scope } from './metadata.ts';
import type { MountOptions, RunInstruction } from './parse/instruction.ts';
import { expandWord } from './parse/shell-words.ts';
import { inLine } from './plan/graph.ts';
import type { Stage } from './stage.ts';

export interface PreparedMounts {
  readonly key: readonly unknown[];
  hold(script: { readonly path: string; readonly content: string } | undefined): Promise<HeldMounts>;
}

export class RunMounts {
  constructor(private readonly sources: MountSources) {}

  async prepare(instruction: RunInstruction, stage: Stage, { escape }: Scope): Promise<PreparedMounts> {
    const { variables } = stage;
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
      const made = makeHeldDir(this.sources.engine.paths);
      undo.push(() => void removeTree(made));
      return (dir = made);
    };
    const held: Holding = {
      mounts: [],
      tmpfs: [],
      env: [],
      secretEnv: [],
      images: new Map(),
      undo,
      dir: makeDir,
    };
    const release = (): void => releaseAll(undo);
    try {
      for (const each of holds) await each(held);
      if (script !== undefined) {
        const file = join(makeDir(), 'script');
        writeFileSync(file, script.content, { mode: 0o755 });
        held.mounts.push(csvLine(['type=bind', `src=${file}`, `dst=${script.path}`, 'readonly']));
      }
    } catch (error) {
      release();
      throw error;
    }
    const { mounts, tmpfs, env, secretEnv, images } = held;
    return { flags: { mount: mounts, tmpfs, mountedImages: images }, env, secretEnv, release };
  }

  private async mount(
    options: MountOptions,
    stage: Stage,
    { lines }: RunInstruction,
  ): Promise<{ readonly key: unknown; readonly hold?: Hold }> {
    const target = posix.resolve('/', stage.config.WorkingDir ?? '/', options.get('target') ?? '');
    if (/[,"]/.test(target))
      throw new BuildError({
        code: 'NOT_SUPPORTED',
        message: `a mount at "${target}" is not supported: its path has a comma or a quote`,
        lines,
      });
    switch (options.get('type')) {
      case 'tmpfs': {
        const size = options.get('size');
        if (target.includes(':') || size?.includes(',') === true)
          throw new BuildError({
            code: 'NOT_SUPPORTED',
            message: `a tmpfs at "${target}" is not supported`,
            lines,
          });
        return {
          key: ['tmpfs', target, ...(size === undefined ? [] : [size])],
          hold: ({ tmpfs }) =>
            void tmpfs.push(`${target}:exec,mode=1777${size === undefined ? '' : `,size=${size}`}`),
        };
      }
      case 'cache':
        return cacheMount(this.sources, options, target, lines);
      case 'secret':
        return this.secret(options, target, lines);
      case 'ssh':
        return this.agent(options, target, lines);
      default:
        return this.bind(options, target);
    }
  }

  /** An image of layers that PID 1 merges and mounts read-only. */
  private async bind(
    options: MountOptions,
    target: string,
  ): Promise<{ readonly key: unknown; readonly hold: Hold }> {
    const { source, store } = this.sources;
    const stage = await source(options.get('from'));
    const subpath = subpathOf(options);
    if (isSet(options, 'rw'))
      return {
        key: ['bind', target, subpath, stage.key, 'rw'],
        hold: async ({ mounts, undo }) => {
          const work = await store.prepareLayer();
          undo.push(() => void removeTree(work));
          const path = await copyForMount(store, stage.dirs, subpath, join(work, 'mount'));
          mounts.push(csvLine(['type=bind', `src=${path}`, `dst=${target}`]));
        },
      };
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
        const below = subpath === '' ? [] : [`image-subpath=${subpath}`];
        mounts.push(csvLine(['type=image', `src=${name}`, `dst=${target}`, ...below]));
      },
    };
  }

  private secret(
    options: MountOptions,
    target: string,
    lines: RunInstruction['lines'],
  ): { readonly key: unknown; readonly hold?: Hold } {
    const given = options.get('target');
    const variable = options.get('env');
    const id = options.get('id') ?? (given === undefined ? (variable ?? '') : posix.basename(given));
    const path = given === undefined ? `/run/secrets/${id}` : target;
    const read = this.sources.secrets.get(id);
    const key = ['secret', path, id, variable ?? ''];
    if (read === undefined) {
      if (options.get('required') === 'true')
        throw new BuildError({ code: 'NO_SUCH_SECRET', message: `secret ${id}: not found`, lines });
      return { key };
    }
    const file = fileMount(options, path, read, '0400');
    if (variable === undefined) return { key, hold: file };
    return {
      key,
      hold: (held) => {
        const value = read().toString();
        if (value.includes('\0'))
          throw new BuildError({
            code: 'INVALID_SECRET',
            message: `secret ${id} has a NUL byte, which no variable can hold`,
            lines,
          });
        held.secretEnv.push(`${variable}=${value}`);
        // The variable alone, unless a file is asked for too.
        if (given !== undefined) return file(held);
      },
    };
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
        mounts.push(csvLine(['type=bind', `src=${socket}`, `dst=${path}`]));
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
    mounts.push(csvLine(['type=bind', `src=${file}`, `dst=${path}`, 'readonly']));
  };

/** The last first; one that fails keeps none of the others. @throws the first failure. */
function releaseAll(undo: readonly (() => void)[]): void {
  const failures = undo.toReversed().flatMap((each): readonly unknown[] => {
    try {
      each();
      return [];
    } catch (error) {
      return [error];
    }
  });
  if (failures.length > 0) throw failures[0];
}
