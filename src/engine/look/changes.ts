/**
 * `diff`: what a container has made of its image. Everything it wrote is in its writable layer; whether that is new or
 * was there before is what the layers below say. A directory counts as changed with anything that has changed in it.
 */
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { overlayDir, type Paths } from '../state/paths.ts';
import { isWhiteout, LayeredDir } from './merged-dir.ts';

export interface Change {
  readonly kind: 'A' | 'C' | 'D';
  readonly path: string;
}

/** Mount points that every container has, which Docker makes in a layer of their own. */
const MADE_FOR_MOUNTS = new Set([
  ...['/.dockerenv', '/dev', '/dev/console', '/dev/pts', '/dev/shm', '/dev/mqueue', '/etc', '/etc/hostname'],
  ...['/etc/hosts', '/etc/mtab', '/etc/resolv.conf', '/proc', '/sys'],
]);

/** Levels: each takes a descriptor a layer. */
const DEEPEST = 500;

/** Sorted by path. */
export function listChanges(paths: Paths, { id, layers }: ContainerConfig): readonly Change[] {
  const upper = LayeredDir.open([join(overlayDir(paths, id), 'upper')]);
  const lower = LayeredDir.open([...layers].reverse());
  try {
    return compare(upper, lower, '', 0);
  } finally {
    upper.close();
    lower.close();
  }
}

function compare(upper: LayeredDir, lower: LayeredDir, dir: string, depth: number): readonly Change[] {
  if (depth > DEEPEST) throw tooDeep(dir);
  const names = [...upper.names()];
  // Whatever was there before an opaque directory is gone, unless it was made again.
  const hidden = upper.isOpaque ? [...lower.names()].filter((name) => !names.includes(name)) : [];
  const gone = hidden.filter((name) => lower.look(name) !== undefined);
  return [...names, ...gone].sort().flatMap((name) => {
    const path = `${dir}/${Buffer.from(name, 'latin1').toString()}`;
    const [now, before] = [upper.lookOnTop(name), lower.look(name)];
    // It went while we looked, or is not to be seen.
    if (now === undefined) return gone.includes(name) ? [{ kind: 'D', path }] : [];
    if (isWhiteout(now)) return before === undefined ? [] : [{ kind: 'D', path }];
    return compareOne(upper, lower, { name, path, now, before, depth });
  });
}

interface Found {
  readonly name: string;
  readonly path: string;
  readonly now: BigIntStats;
  readonly before: BigIntStats | undefined;
  readonly depth: number;
}

function compareOne(upper: LayeredDir, lower: LayeredDir, found: Found): readonly Change[] {
  const { name, path, now, before, depth } = found;
  const below = now.isDirectory() ? inside(upper, lower, name, path, depth) : [];
  if (MADE_FOR_MOUNTS.has(path)) return below.length === 0 ? [] : [{ kind: 'C', path }, ...below];
  if (before === undefined) return [{ kind: 'A', path }, ...below];
  return below.length > 0 || differs(before, now) ? [{ kind: 'C', path }, ...below] : [];
}

function inside(
  upper: LayeredDir,
  lower: LayeredDir,
  name: string,
  path: string,
  depth: number,
): readonly Change[] {
  const above = upper.enter(name);
  const under = lower.enter(name);
  try {
    return compare(above, under, path, depth + 1);
  } finally {
    above.close();
    under.close();
  }
}

/** As Docker compares; what was copied up and not written to is as it was. */
const differs = (before: BigIntStats, now: BigIntStats): boolean =>
  before.mode !== now.mode ||
  before.uid !== now.uid ||
  before.gid !== now.gid ||
  before.rdev !== now.rdev ||
  (!now.isDirectory() && (before.mtimeNs !== now.mtimeNs || before.size !== now.size));

const tooDeep = (path: string): MinidockError =>
  new MinidockError({
    code: 'TOO_DEEP',
    message: `cannot compare ${path.slice(0, 60)}…: directories in it are nested more than ${String(DEEPEST)} levels deep`,
    hint: 'Remove them in the container, or look at its writable layer: minidock inspect -f {{.GraphDriver.Data.UpperDir}}',
  });
