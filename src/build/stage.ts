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
  /** Of the layers that instructions have made, its base stages' included. */
  readonly cacheKeys: readonly string[];
  /** Digest of all that its files came of. */
  readonly key: string;
  readonly history: readonly HistoryEntry[];
  /** Names of its ARGs, in the order of the last ARG of each. */
  readonly args: ReadonlySet<string>;
  /** Of ENV and ARG, the one or the other that came last, also of the stage that it is built from. */
  readonly variables: Variables;
  /** Its next layers are made whatever the cache has (--no-cache-filter). */
  readonly fresh?: boolean;
  /** Of a dry run: files of it are not made. */
  readonly isUnknown?: boolean;
  /** Of the last layer, RFC 3339. */
  readonly created: string | undefined;
}
