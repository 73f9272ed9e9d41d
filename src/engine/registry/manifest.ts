/**
 * `manifest inspect`: what a registry has under a name, in the form of docker 26.1: a manifest as it is, indented with
 * tabs; an index written anew, with three spaces; with -v each manifest with its descriptor and its own bytes.
 */
import { ImageError } from '../../../images/errors.ts';
import { readImageConfig } from '../../../images/manifest.ts';
import { mediaTypes, typeOfManifest } from '../../../images/media-types.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../../../images/reference.ts';
import {
  registryOptionsFromEnvironment,
  RegistryClient,
  type FetchedManifest,
} from '../../../images/registry/client.ts';
import type { Manifest, Platform } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';

export interface InspectManifestOptions {
  readonly verbose: boolean;
  /** The registry may be spoken to without TLS, or with any certificate. */
  readonly insecure: boolean;
}

const MAX_CONFIG = 8 << 20;

/** The text to print, without its final newline. */
export async function inspectManifest(name: string, options: InspectManifestOptions): Promise<string> {
  const reference = parseReference(name);
  const { insecureRegistries = [], mirrors } = registryOptionsFromEnvironment();
  const insecure = options.insecure ? [...insecureRegistries, reference.domain] : insecureRegistries;
  const client = new RegistryClient({ insecureRegistries: insecure, mirrors: mirrors ?? [] });
  const top = await fetchTop(client, reference);
  const { document } = top;
  if (document.kind === 'manifest') {
    if (!options.verbose) return JSON.stringify(JSON.parse(top.bytes.toString()), undefined, '\t');
    const platform = await platformOf(client, reference, document.manifest);
    return JSON.stringify(detailsOf(reference, top, document.manifest, platform), undefined, '\t');
  }
  const { manifests } = document.index;
  if (!options.verbose) {
    const isOci = manifests[0]?.mediaType === mediaTypes.manifest;
    const entries = manifests.map(({ mediaType, size, digest, platform }) => ({
      mediaType,
      size,
      digest,
      ...(platform === undefined ? {} : { platform: shownPlatform(platform) }),
    }));
    const mediaType = isOci ? mediaTypes.index : mediaTypes.dockerIndex;
    return JSON.stringify({ schemaVersion: 2, mediaType, manifests: entries }, undefined, 3);
  }
  const details: object[] = [];
  for (const { digest, platform } of manifests) {
    const pinned = { ...reference, digest };
    const one = await client.fetchManifest(pinned);
    if (one.document.kind !== 'manifest') continue;
    details.push(detailsOf(pinned, one, one.document.manifest, platform));
  }
  return JSON.stringify(details, undefined, '\t');
}

async function fetchTop(client: RegistryClient, reference: Reference): Promise<FetchedManifest> {
  try {
    return await client.fetchManifest(reference);
  } catch (cause) {
    if (!(cause instanceof ImageError) || cause.code !== 'MANIFEST_UNKNOWN') throw cause;
    throw new MinidockError({
      code: 'MANIFEST_UNKNOWN',
      message: `no such manifest: ${familiarName(reference)}`,
      hint: 'check the name and the tag',
      exitCode: 1,
      cause,
    });
  }
}

async function platformOf(
  client: RegistryClient,
  reference: Reference,
  { config }: Manifest,
): Promise<Platform> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (await client.openBlob(reference, config.digest, 0)).chunks) {
    size += chunk.length;
    if (size > MAX_CONFIG) break;
    chunks.push(chunk);
  }
  return readImageConfig(Buffer.concat(chunks), familiarName(reference));
}

function detailsOf(
  reference: Reference,
  { bytes, digest }: FetchedManifest,
  manifest: Manifest,
  platform: Platform | undefined,
): object {
  const mediaType = typeOfManifest(manifest);
  const field = mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest';
  return {
    Ref: formatReference(reference),
    Descriptor: {
      mediaType,
      digest,
      size: bytes.length,
      ...(platform === undefined ? {} : { platform: shownPlatform(platform) }),
    },
    Raw: bytes.toString('base64'),
    [field]: JSON.parse(bytes.toString()) as unknown,
  };
}

const shownPlatform = ({ architecture, os, variant }: Platform): object => ({
  architecture,
  os,
  ...(variant === undefined ? {} : { variant }),
});
