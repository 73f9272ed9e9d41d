/**
 * The containers of this host, as files: containers/<id>/{config,state}.json, and their names (container-names.ts).
 *
 * A container exists once its config.json does, which is written last. Nothing is cached: another process may change
 * it at any time. Damage is reported and costs little: the configuration has a copy, and the kernel knows the
 * container's state (derived-state.ts).
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import {
  isDamaged,
  isLink,
  overwriteFile,
  readKeptRecord,
  readRecord,
  refuseLink,
  writeRecord,
  writeKeptRecord,
} from './atomic-file.ts';
import type { ContainerConfig, ContainerState } from '../spec/container.ts';
import { ContainerNames } from './container-names.ts';
import { damagedFile, missingFile, tellDamage } from './damage.ts';
import type { Examiner } from './examiner.ts';
import { configPath, isHalfMade, claimsPath } from './half-made.ts';
import { containerDir, containersDir, type Paths } from './paths.ts';
import { isId } from '../spec/ids.ts';
import { NEVER } from '../spec/time.ts';
import type { Shape } from '../../../images/foreign/shape.ts';

export interface Container {
  readonly config: ContainerConfig;
  readonly state: ContainerState;
  /** Its configuration is lost: only its directory and the kernel describe it (unreadable.ts). */
  readonly unreadable?: MinidockError;
}

export interface ListHandlers {
  /** Of a directory that holds no container: one in the making, on its way out, or left by a kill (sweep.ts). */
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

export function noSuchContainer(reference: string): MinidockError {
  return new MinidockError({ code: 'NO_SUCH_CONTAINER', message: `No such container: ${reference}` });
}

/** A record must be looked at field by field: loadExaminer(), then read again. */
export class ExaminerNeeded extends Error {}

export class ContainerStore {
  readonly names: ContainerNames;
  private readonly configShape = this.shape<ContainerConfig>(() => this.examiner().config);
  private readonly stateShape = this.shape<Omit<ContainerState, 'health'>>(() => this.examiner().state);

  /** Without an examiner, what reads a record throws ExaminerNeeded where it needs one. */
  constructor(
    readonly paths: Paths,
    private loaded?: Examiner,
  ) {
    this.names = new ContainerNames(paths, {
      ids: () => this.ids(),
      nameOf: (id) => this.readConfig(id)?.config.name,
    });
  }

  async loadExaminer(): Promise<void> {
    this.loaded ??= (await import('./examiner.ts')).examiner;
  }

  private examiner(): Examiner {
    if (this.loaded === undefined) throw new ExaminerNeeded('a record is to be examined');
    return this.loaded;
  }

  private shape<T>(of: () => Shape<T>): Shape<T> {
    return { one: 'an object', many: 'objects', find: (value, path) => of().find(value, path) };
  }

  rename(config: ContainerConfig, name: string): void {
    this.names.reserve(name, config.id);
    this.writeConfig({ ...config, name });
    this.names.release(config.name, config.id);
  }

  /** @throws MinidockError 'BAD_CONFIG' for one that nobody could read again: of what an image says, perhaps. */
  writeConfig(config: ContainerConfig): void {
    const problem = this.configShape.find(config, '');
    if (problem !== undefined) {
      throw new MinidockError({
        code: 'BAD_CONFIG',
        message: `container ${config.name} cannot be recorded: ${problem.path} ${problem.what}`,
        hint: `The value is a flag's, or image ${config.imageRef} has it: minidock image inspect ${config.imageRef}`,
        exitCode: 125,
      });
    }
    writeKeptRecord(configPath(containerDir(this.paths, config.id)), config);
  }

  writeState(id: string, state: ContainerState): void {
    const path = join(containerDir(this.paths, id), 'state.json');
    try {
      writeRecord(path, state);
    } catch (error) {
      // That a container has ended must be known, and the container be removable, on a full disk above all.
      if (!isDiskFull(error) || !existsSync(path)) throw error;
      overwriteFile(path, JSON.stringify(state));
    }
  }

  /** undefined if there is no such container, or none yet. */
  read(id: string): Container | undefined {
    const known = this.readConfig(id);
    return known && { ...known, state: this.readState(id, known.config) };
  }

  /** For a container without a configuration it returns the little that is known. */
  private readConfig(id: string): Omit<Container, 'state'> | undefined {
    const dir = containerDir(this.paths, id);
    const path = configPath(dir);
    const unreadable = (error: MinidockError): Omit<Container, 'state'> => {
      tellDamage(error, 'What it was is lost; it can still be stopped and removed.');
      return { config: this.examiner().unreadableConfig(this.paths, id), unreadable: error };
    };
    return orIfDamaged<Omit<Container, 'state'> | undefined>(() => {
      const { value, damage } = readKeptRecord(path, this.configShape);
      if (value === undefined) {
        // To ask who holds its lock takes the kernel 20 ms, which need not be of one that says it is being made.
        if (
          isHalfMade(dir) &&
          (existsSync(claimsPath(dir)) || this.examiner().shimOf(this.paths, id) === undefined)
        )
          return undefined;
        // Either its record is lost, or it was written since we looked.
        return existsSync(path) ? this.readConfig(id) : unreadable(missingFile(path));
      }
      if (damage !== undefined) {
        // Only the copy has been written so far, by who makes the container.
        if (damage === 'missing' && isHalfMade(dir)) return undefined;
        tellDamage(damage === 'missing' ? missingFile(path) : damage, 'Its copy is used.');
      }
      if (value.id !== id) return unreadable(damagedFile(path, 'it is the record of another container'));
      return { config: value };
    }, unreadable);
  }

  /** Of a container that exists; with a missing or damaged record, the kernel's state. */
  readState(id: string, known?: ContainerConfig): ContainerState {
    const path = `${containerDir(this.paths, id)}/state.json`;
    const derived = (error: MinidockError): ContainerState => {
      tellDamage(error, 'Whether the container runs is taken from the kernel.');
      const config = known ?? this.readConfig(id)?.config ?? this.examiner().unreadableConfig(this.paths, id);
      return this.examiner().deriveState(this.paths, config, error.message);
    };
    return orIfDamaged<ContainerState>(() => {
      const state = readRecord(path, this.stateShape);
      if (state !== undefined) return state;
      // No container yet, or none any more: it was removed since its configuration was read.
      return isHalfMade(containerDir(this.paths, id)) ? NEW_STATE : derived(missingFile(path));
    }, derived);
  }

  ids(): readonly string[] {
    return this.directories().filter(isId);
  }

  /** Newest first, as Docker lists them. One that cannot be read must not hide the others. */
  list({ leftover }: ListHandlers = {}): readonly Container[] {
    const containers: Container[] = [];
    for (const name of this.directories()) {
      const container = isId(name) ? this.read(name) : undefined;
      if (container === undefined) leftover?.(name);
      else containers.push(container);
    }
    return containers.sort((a, b) => (a.config.created < b.config.created ? 1 : -1));
  }

  /** Reports a link as damaged: it would lead outside of this store. */
  private directories(): readonly string[] {
    try {
      const entries = readdirSync(containersDir(this.paths), { withFileTypes: true });
      return entries.flatMap((entry) => {
        if (!entry.isSymbolicLink()) return [entry.name];
        tellDamage(isLink(containerDir(this.paths, entry.name)));
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
    if (isId(reference)) return this.readExisting(reference, reference);
    const name = reference.replace(/^\//, '');
    const told = isValidName(name) ? this.names.read(name) : undefined;
    if (told !== undefined && isId(told)) {
      const named = existsSync(containerDir(this.paths, told))
        ? this.readExisting(told, reference)
        : undefined;
      // Who is renamed just now has two names, or none; the configuration decides.
      if (named !== undefined && (named.config.name === name || named.unreadable !== undefined)) return named;
    }
    const id =
      this.matchPrefix(reference) ?? (isValidName(name) ? this.names.findLost(name, told) : undefined);
    if (id === undefined) throw noSuchContainer(reference);
    return this.readExisting(id, reference);
  }

  private readExisting(id: string, reference: string): Container {
    refuseLink(containerDir(this.paths, id));
    const container = this.read(id);
    if (container?.config.builder !== undefined || container === undefined) throw noSuchContainer(reference);
    return container;
  }

  private matchPrefix(reference: string): string | undefined {
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
}

/** Where a container's directory waits to be deleted. */
export const doomedDir = (paths: Paths, id: string): string => join(containersDir(paths), `.removing-${id}`);

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

/** Docker's RestrictedNamePattern, which takes a name of any length. */
export const isValidName = (name: string): boolean => /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name);
