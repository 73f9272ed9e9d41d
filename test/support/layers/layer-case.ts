/**
 * A case of the suite that compares how minidock and Docker unpack images: the layers of one image, base first, as
 * the bytes of their archives, or one archive for `import`. Both sides get the same archive, written here.
 */
import { digestOf } from '../../../images/digest.ts';
import { hexOf } from '../../../images/store/blob-store.ts';
import { entryBytes, tarOf, type TestEntry } from '../images/tar-bytes.ts';

export interface LayerCase {
  /** Unique. */
  readonly name: string;
  /** Compressed or not; the diff ids are of what `plain` says. */
  readonly layers: readonly Layer[];
  readonly import?: boolean;
}

export interface Layer {
  readonly bytes: Buffer;
  /** The uncompressed archive, where `bytes` is not it. */
  readonly plain?: Buffer;
}

/** Entries, and bytes put between them as they are, with the two empty blocks at the end. */
export type Piece = TestEntry | Buffer;

export function layerOf(...pieces: readonly Piece[]): Layer {
  return { bytes: Buffer.concat([...pieces.map(bytesOf), tarOf()]) };
}

/** The same without the empty blocks. */
export function unended(...pieces: readonly Piece[]): Layer {
  return { bytes: Buffer.concat(pieces.map(bytesOf)) };
}

const bytesOf = (piece: Piece): Buffer => (Buffer.isBuffer(piece) ? piece : entryBytes(piece));

/** An image of one layer after another. */
export function image(name: string, ...layers: readonly (readonly Piece[] | Layer)[]): LayerCase {
  return { name, layers: layers.map((layer) => ('bytes' in layer ? layer : layerOf(...layer))) };
}

export function imported(name: string, ...pieces: readonly Piece[]): LayerCase {
  return { name, layers: [layerOf(...pieces)], import: true };
}

/** As `docker save` writes it, with the name 'layers:<tag>'. */
export function dockerArchive({ layers }: LayerCase, tag: string): Buffer {
  const config = Buffer.from(
    JSON.stringify({
      created: '2026-01-01T00:00:00Z',
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      // An image of its own for each case, also where the layers are the same.
      config: { Cmd: ['true'], Labels: { tag } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ bytes, plain = bytes }) => digestOf(plain)) },
    }),
  );
  const configName = `${hexOf(digestOf(config))}.json`;
  const files = layers.map(({ bytes }, index) => ({ name: `${String(index)}.tar`, data: bytes }));
  const manifest = [
    { Config: configName, RepoTags: [`layers:${tag}`], Layers: files.map(({ name }) => name) },
  ];
  return tarOf({ name: configName, data: config }, ...files, {
    name: 'manifest.json',
    data: JSON.stringify(manifest),
  });
}
