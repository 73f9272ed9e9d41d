/**
 * The names of containers, a file each: names/<name> holds an id. A name is taken by creating its file with link(2), so
 * two creates at once cannot both have it. What a container is called stands in its configuration, too: a file that is
 * lost or damaged neither hides its container nor gives its name away.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';
import { createFileAtomic, readSmallFile, writeFileAtomic } from './atomic-file.ts';
import { damagedFile, missingFile, tellDamage } from './damage.ts';
import { isHalfMade } from './half-made.ts';
import { containerDir, nameFile, namesDir, type Paths } from './paths.ts';
import { ensurePrivateDir } from '../../io/private-dir.ts';
import { isId } from '../spec/ids.ts';

export interface NamedContainers {
  ids(): readonly string[];
  nameOf(id: string): string | undefined;
}

export class ContainerNames {
  constructor(
    private readonly paths: Paths,
    private readonly containers: NamedContainers,
  ) {}

  /** @throws MinidockError 'NAME_IN_USE'. */
  reserve(name: string, id: string): void {
    ensurePrivateDir(namesDir(this.paths));
    // One that is being made has no name yet; it would count as one that has lost it.
    this.restore(name, isHalfMade(containerDir(this.paths, id)) ? 1 : 0);
    const path = nameFile(this.paths, name);
    for (;;) {
      try {
        createFileAtomic(path, id, containerDir(this.paths, id));
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = this.read(name);
      if (owner === undefined) continue;
      const refusal = this.refusalFor(name, owner);
      if (refusal !== undefined) throw refusal;
      // Its container's directory is made before the name is taken, so this name outlived a crash.
      rmSync(path, { force: true });
    }
  }

  /** 'NAME_IN_USE' where a new container could not have it. */
  refusalOf(name: string): MinidockError | undefined {
    this.restore(name);
    const owner = this.read(name);
    return owner === undefined ? undefined : this.refusalFor(name, owner);
  }

  /** A name may outlive its container's directory, by a crash. */
  private refusalFor(name: string, told: string): MinidockError | undefined {
    const owner = isId(told) ? told : this.holderOf(name);
    if (owner === undefined || !existsSync(containerDir(this.paths, owner))) return undefined;
    return new MinidockError({
      code: 'NAME_IN_USE',
      message: `Conflict. The container name "/${name}" is already in use by container "${owner}"`,
      hint: 'Remove that container (minidock rm), rename it (minidock rename), or choose another --name.',
    });
  }

  /** Fewer names than containers: one has lost the file of its name, and no other may take the name. */
  private restore(name: string, nameless = 0): void {
    if (existsSync(nameFile(this.paths, name))) return;
    if (this.list().length >= this.containers.ids().length - nameless) return;
    const holder = this.holderOf(name);
    if (holder !== undefined) this.write(name, holder);
  }

  /** Creates the name's file again. */
  write(name: string, id: string): void {
    ensurePrivateDir(namesDir(this.paths));
    writeFileAtomic(nameFile(this.paths, name), id);
  }

  remove(name: string): void {
    rmSync(nameFile(this.paths, name), { force: true });
  }

  list(): readonly string[] {
    try {
      return readdirSync(namesDir(this.paths)).filter((name) => !name.startsWith('.'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  /** Looked up in every configuration: the id of the container that is called so. */
  private holderOf(name: string): string | undefined {
    return this.containers.ids().find((id) => this.containers.nameOf(id) === name);
  }

  /** What a container is called: by one name, or by two after a rename that was killed half way. */
  namesOf({ name, id }: { readonly name: string; readonly id: string }): readonly string[] {
    const names = this.list();
    const candidates = names.length > this.containers.ids().length ? names : [name];
    return candidates.filter((each) => this.read(each) === id);
  }

  release(name: string, id: string): void {
    if (this.read(name) === id) rmSync(nameFile(this.paths, name), { force: true });
  }

  /** What the file of a name says, which may be no id. */
  read(name: string): string | undefined {
    try {
      return readSmallFile(nameFile(this.paths, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** The file of its name is lost or damaged (`told` is its content): reports that if a container has this name. */
  findLost(name: string, told: string | undefined): string | undefined {
    const holder = this.holderOf(name);
    if (holder !== undefined) {
      const path = nameFile(this.paths, name);
      const error =
        told === undefined
          ? missingFile(path)
          : damagedFile(path, 'it does not hold the id of its container');
      tellDamage(error, `The container of that name is ${holder.slice(0, 12)}.`);
    }
    return holder;
  }
}
