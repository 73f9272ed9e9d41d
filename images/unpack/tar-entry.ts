/** The entries of an archive, and their handler. */
import type { SparseMap } from './sparse.ts';

export type EntryType = 'file' | 'dir' | 'link' | 'symlink' | 'char' | 'block' | 'fifo';

export interface TarEntry {
  readonly type: EntryType;
  /** Byte string, as it stands in the archive. */
  readonly path: string;
  /** Byte string; '' unless a link of either kind. */
  readonly linkpath: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow in the archive. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly sparse: SparseMap | undefined;
}

export interface TarHandler {
  entry(entry: TarEntry): void;
  /** A piece of the current entry's data; only valid during the call. */
  data(chunk: Buffer): void;
  /** The current entry is complete. */
  end(): void;
}
