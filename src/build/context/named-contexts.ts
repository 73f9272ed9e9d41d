/**
 * `--build-context NAME=VALUE`: what FROM, COPY --from and RUN --mount=from call NAME. It goes before stages and images of that
 * name: a folder, an image (docker-image://), an OCI layout (oci-layout://).
 */
import { statSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { parseReference } from '../../../images/reference.ts';
import type { ImageStore } from '../../../images/store/image-store.ts';
import type { StoredImage } from '../../../images/types.ts';
import { writeArchive } from '../../engine/files/copy.ts';
import { openDirectory } from '../../engine/files/tree-sink.ts';
import { closeSync } from 'node:fs';
import { BuildError } from '../errors.ts';

export type NamedContext =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'image'; readonly name: string }
  | {
      readonly kind: 'layout';
      readonly path: string;
      readonly tag: string | undefined;
      readonly digest: string | undefined;
    };

export type NamedContexts = ReadonlyMap<string, NamedContext>;

/** @throws BuildError for what is none of these. */
export function parseContext(text: string): readonly [string, NamedContext] {
  const [, given = '', value = ''] = /^([^=]+)=([\s\S]+)$/.exec(text) ?? [];
  if (value === '') throw invalid(`invalid build context ${text}, expected name=value`);
  const name = given.toLowerCase();
  const [, scheme, rest = ''] = /^([a-z-]+):\/\/([\s\S]*)$/.exec(value) ?? [];
  switch (scheme) {
    case undefined: {
      if (statSync(value, { throwIfNoEntry: false })?.isDirectory() !== true)
        throw invalid(`failed to get build context ${name}: "${value}" is no folder`);
      return [name, { kind: 'folder', path: value }];
    }
    case 'docker-image':
      parseReference(rest);
      return [name, { kind: 'image', name: rest }];
    case 'oci-layout': {
      const [, path = '', tag, digest] = /^(.*?)(?::([^/:@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(rest) ?? [];
      return [name, { kind: 'layout', path, tag, digest }];
    }
    default:
      throw invalid(
        `the build context ${name}=${value} is not supported: a folder, docker-image:// and oci-layout:// are`,
      );
  }
}

/** Its one image, or the one that the tag or the digest of its manifest names. It is in the store then, without a name. */
export async function imageOfLayout(
  store: ImageStore,
  { path, tag, digest }: Extract<NamedContext, { kind: 'layout' }>,
): Promise<StoredImage> {
  const root = openDirectory(path);
  const archive = new PassThrough({ highWaterMark: 1 << 20 });
  const written = writeArchive(root, '', async (bytes) => {
    if (!archive.write(Buffer.from(bytes))) await new Promise((resolve) => archive.once('drain', resolve));
  }).then(
    () => void archive.end(),
    (error: unknown) => void archive.destroy(error as Error),
  );
  try {
    const { loadImages } = await import('../../../images/archives/load.ts');
    const images = await loadImages({ store, input: archive, unnamed: true });
    await written;
    const found = images.filter(
      ({ image, tags }) =>
        (digest === undefined || image.manifestDigest === digest) &&
        (tag === undefined || tags.some((name) => name.endsWith(`:${tag}`))),
    );
    const [only] = found;
    if (only !== undefined && found.length === 1) return only.image;
    throw invalid(
      `the OCI layout ${path} has ${found.length === 0 ? 'no such image' : 'several images'}: name one by oci-layout://${path}@DIGEST`,
    );
  } finally {
    closeSync(root);
  }
}

const invalid = (message: string): BuildError => new BuildError({ code: 'INVALID_CONTEXT', message });
