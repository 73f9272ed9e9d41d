/** What the types of `RUN --mount` have in common: where they come from, what a RUN holds, options. Pure. */
import type { ImageStore } from '../../images/store/image-store.ts';
import type { StoredImage } from '../../images/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { CreateRequest } from '../engine/spec/create-request.ts';
import { cleanPath } from './context/source-tree.ts';
import { BuildError } from './errors.ts';
import type { MountOptions } from './parse/instruction.ts';
import type { Stage } from './stage.ts';

export interface MountSources {
  readonly engine: Engine;
  readonly store: ImageStore;
  /** By id. */
  readonly secrets: ReadonlyMap<string, () => Buffer>;
  /** Sockets by id. */
  readonly ssh: ReadonlyMap<string, string>;
  /** A stage or an image by name; the context without one. */
  readonly source: (name: string | undefined) => Promise<Stage>;
  readonly signal: AbortSignal;
}

export interface HeldMounts {
  readonly flags: Partial<CreateRequest>;
  readonly env: readonly string[];
  /** As `env`, but in no file. */
  readonly secretEnv: readonly string[];
  release(): void;
}

export type Hold = (held: Holding) => void | Promise<void>;

export interface Holding {
  readonly mounts: string[];
  readonly tmpfs: string[];
  readonly env: string[];
  readonly secretEnv: string[];
  readonly images: Map<string, StoredImage>;
  readonly undo: (() => void)[];
  /** A directory for files of this RUN, in memory. */
  readonly dir: () => string;
}

export const isSet = (options: MountOptions, name: string): boolean =>
  options.has(name) && options.get(name) !== 'false';

/** It becomes a word of a --mount, where a comma begins another option. @throws BuildError. */
export function subpathOf(options: MountOptions): string {
  const subpath = cleanPath(options.get('source') ?? '').join('/');
  if (!/[,"]/.test(subpath)) return subpath;
  throw new BuildError({ code: 'NOT_SUPPORTED', message: `a mount of "${subpath}" is not supported` });
}
