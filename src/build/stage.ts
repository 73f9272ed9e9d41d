/** What a stage has come to after an instruction; each makes a new one. */
import type { Descriptor, HistoryEntry } from '../../images/types.ts';
import type { Settings } from './plan/config-change.ts';
import type { Variables } from './parse/shell-words.ts';

export interface StageLayer {
  readonly diffId: string;
  readonly descriptor: Descriptor;
}

export interface Stage extends Settings {
  readonly layers: readonly StageLayer[];
  /** Directories of the layers, base first. */
  readonly dirs: readonly string[];
  /** Digest of all that its files came of. */
  readonly key: string;
  readonly history: readonly HistoryEntry[];
  /** Of the base image: what its history begins with. */
  readonly args: ReadonlyMap<string, string | undefined>;
  /** Its next layers are made whatever the cache has (--no-cache-filter). */
  readonly fresh?: boolean;
  /** Of a dry run: files of it are not made. */
  readonly isUnknown?: boolean;
  /** Of the last layer, RFC 3339. */
  readonly created: string | undefined;
}

/** ENV wins over ARG. */
export function variablesOf({ args, config }: Pick<Stage, 'args' | 'config'>): Variables {
  const variables = new Map<string, string>();
  for (const [name, value] of args) if (value !== undefined) variables.set(name, value);
  for (const entry of config.Env ?? []) {
    const equals = entry.indexOf('=');
    variables.set(equals < 0 ? entry : entry.slice(0, equals), equals < 0 ? '' : entry.slice(equals + 1));
  }
  return variables;
}
