/** Small images made on the spot: an OCI layout directory that skopeo can push, out of layers given as tar files. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface LayoutImage {
  /** Uncompressed tar archives, base first. */
  readonly layers: readonly Buffer[];
  /** 'linux/amd64' unless given. */
  readonly platform?: string;
  /** Layers are stored as they are instead of with gzip; skopeo keeps them so with --preserve-digests. */
  readonly plain?: boolean;
  /** Members of the configuration's `config`: Cmd, Env, … */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A tar archive (POSIX ustar) of one file, owned by root. */
export function tarOf(name: string, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;
  const fields = [
    [0, name],
    [100, octal(0o755, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(bytes.length, 12)],
    [136, octal(1_700_000_000, 12)],
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\u000000'],
  ] as const;
  for (const [offset, text] of fields) header.write(text, offset, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return Buffer.concat([header, bytes, padding, Buffer.alloc(1024)]);
}

interface Written {
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes the layout and gives skopeo's name for it. More than one image makes an index of all their platforms.
 */
export function writeLayout(dir: string, images: readonly LayoutImage[]): string {
  mkdirSync(join(dir, 'blobs/sha256'), { recursive: true });
  const write = (bytes: Buffer): Written => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    writeFileSync(join(dir, 'blobs/sha256', hex), bytes);
    return { digest: `sha256:${hex}`, size: bytes.length };
  };
  const writeJson = (value: unknown): Written => write(Buffer.from(JSON.stringify(value)));
  const entries = images.map((image) => writeImage(image, write, writeJson));
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const only = entries.length === 1 ? entries[0] : undefined;
  const top = only ?? {
    mediaType: indexType,
    ...writeJson({ schemaVersion: 2, mediaType: indexType, manifests: entries }),
  };
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  writeFileSync(join(dir, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  writeFileSync(
    join(dir, 'index.json'),
    JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [{ ...top, annotations }] }),
  );
  return `oci:${dir}:latest`;
}

function writeImage(
  { layers, plain = false, platform: text = 'linux/amd64', config = {} }: LayoutImage,
  write: (bytes: Buffer) => Written,
  writeJson: (value: unknown) => Written,
): object {
  const [os = '', architecture = '', variant] = text.split('/');
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  const diffIds = layers.map((tar) => `sha256:${createHash('sha256').update(tar).digest('hex')}`);
  const configuration = writeJson({
    created: '2026-01-01T00:00:00Z',
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: layers.map(() => ({ created: '2026-01-01T00:00:00Z', created_by: 'test' })),
  });
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = writeJson({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...configuration },
    layers: layers.map((tar) => ({
      mediaType: `application/vnd.oci.image.layer.v1.tar${plain ? '' : '+gzip'}`,
      ...write(plain ? tar : gzipSync(tar)),
    })),
  });
  return { mediaType: manifestType, ...manifest, platform };
}
