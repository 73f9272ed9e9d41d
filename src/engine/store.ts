/**
 * The containers of this host, as files: containers/<id>/{config,state}.json, and names/<name> holding an id.
 *
 * A name is taken by creating its file with link(2), so two creates at once cannot both have it; a container exists
 * once its config.json does, which is written last. Nothing is cached: another process may change it at any time.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import { doneStep } from '../../runtime/plan/step-span.ts';
import {
  createFileAtomic,
  isDamaged,
  isLink,
  overwriteFile,
  readJson,
  readSmallFile,
  refuseLink,
  writeJson,
} from './atomic-file.ts';
import type { ContainerConfig, ContainerState } from './container.ts';
import { containerDir, containersDir, namesDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from './private-dir.ts';
import { removeTree } from './remove-tree.ts';
import { NEVER } from './time.ts';

export interface Container {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
}

export interface ListHandlers {
  readonly damaged?: (error: MinidockError) => void;
  /** Of a directory that holds no container: one in the making, on its way out, or left by a kill (leftovers.ts). */
  readonly leftover?: (name: string) => void;
}

export const NEW_STATE: ContainerState = {
  status: 'created',
  pid: 0,
  pidStartTime: '',
  shimPid: 0,
  shimStartTime: '',
  exitCode: 0,
  error: '',
  oomKilled: false,
  startedAt: NEVER,
  finishedAt: NEVER,
  bootId: '',
  network: undefined,
};

/** Docker's exit status for a container that nobody saw the end of. */
const UNKNOWN = 255;

export function noSuchContainer(reference: string): MinidockError {
  return new MinidockError({ code: 'NO_SUCH_CONTAINER', message: `No such container: ${reference}` });
}

export class ContainerStore {
  constructor(readonly paths: Paths) {}

  /** @throws MinidockError 'NAME_IN_USE'. */
  reserveName(name: string, id: string): void {
    const dir = namesDir(this.paths);
    ensurePrivateDir(dir);
    const path = join(dir, name);
    for (;;) {
      try {
        createFileAtomic(path, id, containerDir(this.paths, id));
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = this.nameOwner(name);
      if (owner === undefined) continue;
      const refusal = this.refusalFor(name, owner);
      if (refusal !== undefined) throw refusal;
      // Its container's directory is made before the name is taken, so this name outlived a crash.
      rmSync(path, { force: true });
    }
  }

  /** 'NAME_IN_USE' where a new container could not have it. */
  refusalOf(name: string): MinidockError | undefined {
    const owner = this.nameOwner(name);
    return owner === undefined ? undefined : this.refusalFor(name, owner);
  }

  /** A name may outlive its container's directory, by a crash. */
  private refusalFor(name: string, owner: string): MinidockError | undefined {
    if (!existsSync(containerDir(this.paths, owner))) return undefined;
    return new MinidockError({
      code: 'NAME_IN_USE',
      message: `Conflict. The container name "/${name}" is already in use by container "${owner}"`,
      hint: 'Remove that container (minidock rm), rename it (minidock rename), or choose another --name.',
    });
  }

  releaseName(name: string, id: string): void {
    if (this.nameOwner(name) === id) rmSync(join(namesDir(this.paths), name), { force: true });
  }

  private nameOwner(name: string): string | undefined {
    try {
      return readSmallFile(join(namesDir(this.paths), name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  rename(config: ContainerConfig, name: string): void {
    this.reserveName(name, config.id);
    this.writeConfig({ ...config, name });
    this.releaseName(config.name, config.id);
  }

  writeConfig(config: ContainerConfig): void {
    writeJson(join(containerDir(this.paths, config.id), 'config.json'), config);
  }

  writeState(id: string, state: ContainerState): void {
    const path = join(containerDir(this.paths, id), 'state.json');
    try {
      writeJson(path, state);
    } catch (error) {
      // That a container has ended must be known, and the container be removable, on a full disk above all.
      if (!isDiskFull(error) || !existsSync(path)) throw error;
      overwriteFile(path, JSON.stringify(state));
    }
  }

  /** @throws MinidockError 'DAMAGED_FILE' when nothing tells any more what the container was. */
  read(id: string): Container | undefined {
    const dir = containerDir(this.paths, id);
    const config = orIfDamaged(
      () => readJson<ContainerConfig>(`${dir}/config.json`),
      ({ code, message, cause }) => {
        throw new MinidockError({ code, message, cause, hint: `Nothing can be done with it: rm -r ${dir}` });
      },
    );
    if (config === undefined) return undefined;
    return { config, state: this.readState(id) };
  }

  /** Of a container that exists; without its record, or with a damaged one, what can be said of it. */
  readState(id: string): ContainerState {
    const state = orIfDamaged<ContainerState | undefined>(
      () => readJson<ContainerState>(`${containerDir(this.paths, id)}/state.json`),
      ({ message }) => ({ ...NEW_STATE, status: 'dead', exitCode: UNKNOWN, error: message }),
    );
    return state ?? NEW_STATE;
  }

  ids(): readonly string[] {
    return this.directories().filter(isId);
  }

  /** Newest first, as Docker lists them. One that cannot be read must not hide the others. */
  list({ damaged, leftover }: ListHandlers = {}): readonly Container[] {
    const containers: Container[] = [];
    for (const name of this.directories(damaged)) {
      const container = isId(name)
        ? orIfDamaged<Container | undefined | 'damaged'>(
            () => this.read(name),
            (error) => {
              damaged?.(error);
              return 'damaged';
            },
          )
        : undefined;
      if (container === undefined) leftover?.(name);
      else if (container !== 'damaged') containers.push(container);
    }
    return containers.sort((a, b) => (a.config.created < b.config.created ? 1 : -1));
  }

  /** A link among them is told as damaged: it would lead to what no container of this store is. */
  private directories(damaged?: ListHandlers['damaged']): readonly string[] {
    try {
      const entries = readdirSync(containersDir(this.paths), { withFileTypes: true });
      return entries.flatMap((entry) => {
        if (!entry.isSymbolicLink()) return [entry.name];
        damaged?.(isLink(containerDir(this.paths, entry.name)));
        return [];
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /**
   * By full id, name, or unambiguous id prefix, in Docker's order.
   * @throws MinidockError 'NO_SUCH_CONTAINER' or 'AMBIGUOUS_ID'.
   */
  find(reference: string): Container {
    const id = this.resolve(reference);
    if (id !== undefined) refuseLink(containerDir(this.paths, id));
    const container = id === undefined ? undefined : this.read(id);
    if (container === undefined) {
      throw noSuchContainer(reference);
    }
    return container;
  }

  private resolve(reference: string): string | undefined {
    if (/^[0-9a-f]{64}$/.test(reference)) return reference;
    const name = reference.replace(/^\//, '');
    const named = isValidName(name) ? this.nameOwner(name) : undefined;
    if (named !== undefined) return named;
    if (!/^[0-9a-f]+$/.test(reference)) return undefined;
    const matches = this.ids().filter((id) => id.startsWith(reference));
    if (matches.length > 1) {
      throw new MinidockError({
        code: 'AMBIGUOUS_ID',
        message: `multiple IDs found with provided prefix: ${reference}`,
        hint: 'Give more digits of the id.',
      });
    }
    return matches[0];
  }

  /** Takes the container out of sight with one rename; what may be large is deleted by what is returned. */
  takeAway(config: ContainerConfig): () => void {
    const dir = containerDir(this.paths, config.id);
    const doomed = doomedDir(this.paths, config.id);
    doneStep('container.take-away', () => renameSync(dir, doomed));
    doneStep('container.release-name', () => this.releaseName(config.name, config.id));
    return () => doneStep('container.delete-files', () => void removeTree(doomed));
  }
}

/** Where a container's directory waits to be deleted. */
export const doomedDir = (paths: Paths, id: string): string => join(containersDir(paths), `.removing-${id}`);

const isId = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

const isDiskFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

function orIfDamaged<T>(read: () => T, otherwise: (error: MinidockError) => T): T {
  try {
    return read();
  } catch (error) {
    if (isDamaged(error)) return otherwise(error);
    throw error;
  }
}

/** Docker's RestrictedNamePattern, and what a file system takes. */
export const isValidName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/.test(name);
