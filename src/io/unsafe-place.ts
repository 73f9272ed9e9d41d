/** The message for an unsafe place (safe-place.ts): the wrong part of the path, its owner, what to type. */
import { readFileSync } from 'node:fs';
import { MinidockError } from '../../runtime/errors.ts';
import { renderArgv } from '../../runtime/plan/quote.ts';

export interface Place {
  readonly path: string;
  /** 'keep containers in'. */
  readonly purpose: string;
  /** '--root or MINIDOCK_ROOT'. */
  readonly chosenBy: string;
}

export type Fault =
  | {
      readonly fault: 'foreign' | 'foreign-above' | 'foreign-link';
      readonly path: string;
      readonly uid: number;
    }
  | { readonly fault: 'writable'; readonly path: string; readonly mode: number }
  | { readonly fault: 'link' | 'endless-links' | 'no-directory'; readonly path: string };

export function unsafePlace(place: Place, fault: Fault): MinidockError {
  const [why, todo] = explain(fault);
  return new MinidockError({
    code: 'UNSAFE_PLACE',
    message: `cannot ${place.purpose} ${place.path}: ${why}`,
    hint: `${todo}, or choose another place with ${place.chosenBy}.`,
    exitCode: 125,
  });
}

function explain(fault: Fault): readonly [why: string, todo: string] {
  const { path } = fault;
  switch (fault.fault) {
    case 'foreign':
      return [
        `${path} belongs to ${nameOf(fault.uid)}, who can change what minidock runs as root`,
        `If you trust all that is in it, take it over with "${renderArgv(['chown', '-R', 'root:', path])}"`,
      ];
    case 'foreign-above':
      return [
        `${path} belongs to ${nameOf(fault.uid)}, who can put another directory in its place`,
        'Have root own all directories above it',
      ];
    case 'foreign-link':
      return [
        `the symbolic link ${path} belongs to ${nameOf(fault.uid)}, who can let it lead elsewhere`,
        `See where it leads with "${renderArgv(['readlink', path])}" and give that path`,
      ];
    case 'writable':
      return [
        `others than its owner can write to ${path} (mode ${(fault.mode & 0o7777).toString(8).padStart(4, '0')})`,
        `Type "${renderArgv(['chmod', 'go-w', path])}"`,
      ];
    case 'link':
      return [
        `${path} is a symbolic link, which minidock never makes`,
        `See where it leads with "${renderArgv(['readlink', path])}" and remove it with "${renderArgv(['rm', path])}" ("mount --bind" is what puts a directory on another disk)`,
      ];
    case 'endless-links':
      return [`too many symbolic links lead to ${path}`, 'Give the path without links'];
    case 'no-directory':
      return [`${path} is not a directory`, 'Give the path of a directory'];
  }
}

/** 'mallory (uid 1000)'. */
export function nameOf(uid: number): string {
  const name = new RegExp(`^([^:\\n]+):[^:\\n]*:${String(uid)}:`, 'm').exec(passwd())?.[1];
  return name === undefined ? `uid ${String(uid)}` : `${name} (uid ${String(uid)})`;
}

function passwd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return ''; // The message shows the uid anyway.
  }
}
