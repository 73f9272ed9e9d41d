/** Tells a container that is still being made, or was by a killed command, from one whose record is lost. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf } from '../../../images/foreign/kept.ts';

/** Records what a container in the making claims outside its directory. */
export const claimsPath = (dir: string): string => join(dir, 'taking.json');

const statePath = (dir: string): string => join(dir, 'state.json');

export const configPath = (dir: string): string => join(dir, 'config.json');

/** `create` writes the configuration and its copy last, and then removes the record of its claims. */
export function isHalfMade(dir: string): boolean {
  const config = configPath(dir);
  if (existsSync(config)) return false;
  const wasMade = [copyOf(config), statePath(dir)].some((path) => existsSync(path));
  return !wasMade || existsSync(claimsPath(dir));
}
