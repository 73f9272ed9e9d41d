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
  /** Members of the configuration's `config`: Cmd, Env, … */
  readonly config?: Readonly<Record<string, unknown>>;
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
  { layers, platform: text = 'linux/amd64', config = {} }: LayoutImage,
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
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      ...write(gzipSync(tar)),
    })),
  });
  return { mediaType: manifestType, ...manifest, platform };
}
