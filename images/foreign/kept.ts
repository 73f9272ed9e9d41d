/**
 * Records that nothing else could tell (what a container is, what a network is called) are written twice: NAME, and
 * `.NAME.copy` beside it. A disk, a full file system or a hand that damages one of them seldom damages both.
 *
 * A reader takes the copy only when the record itself is damaged or missing, so reading costs what it did. Writers
 * write the record first and the copy second, and delete the copy first: a kill in between leaves the record alone,
 * which is as good. `doctor --fix` writes the damaged one of the two anew.
 */
import { basename, dirname, join } from 'node:path';

export const copyOf = (path: string): string => join(dirname(path), `.${basename(path)}.copy`);

/** Of a name in a directory: the record it is the copy of; undefined for what is no copy. */
export const copiedName = (name: string): string | undefined => /^\.(.+)\.copy$/.exec(name)?.[1];

export interface Kept<T> {
  /** undefined: there is neither a record nor a copy. */
  readonly value: T | undefined;
  /** What is wrong with the record, whose copy this is; 'missing' where there is none. */
  readonly damage?: Error | 'missing';
}

/**
 * `read` gives undefined for a file that is not there, and throws an error for which `isDamage` holds for one that
 * does not hold what it should. @throws the damage of the record where there is no good copy.
 */
export function readKept<T>(
  path: string,
  read: (path: string) => T | undefined,
  isDamage: (error: unknown) => boolean,
): Kept<T> {
  let damage: Error | 'missing' = 'missing';
  try {
    const value = read(path);
    if (value !== undefined) return { value };
  } catch (error) {
    if (!isDamage(error)) throw error;
    damage = error as Error;
  }
  const value = orUndefined(() => read(copyOf(path)), isDamage);
  if (value !== undefined) return { value, damage };
  if (damage !== 'missing') throw damage;
  return { value: undefined };
}

function orUndefined<T>(read: () => T | undefined, isDamage: (error: unknown) => boolean): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined; // Both are damaged: report the record's own damage.
  }
}
