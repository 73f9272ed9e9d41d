/** Tells a container that is still being made, or was by a killed command, from one whose record is lost. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf } from '../../../images/foreign/kept.ts';

/** What a container that is being made takes outside its directory is named there, before it is taken. */
export const takingPath = (dir: string): string => join(dir, 'taking.json');

export const statePath = (dir: string): string => join(dir, 'state.json');

export const configPath = (dir: string): string => join(dir, 'config.json');

/** `create` writes the configuration and its copy last, and then says that it takes nothing any more. */
export function isHalfMade(dir: string): boolean {
  const config = configPath(dir);
  if (existsSync(config)) return false;
  const wasMade = [copyOf(config), statePath(dir)].some((path) => existsSync(path));
  return !wasMade || existsSync(takingPath(dir));
}
