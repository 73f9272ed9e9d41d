/** What the store wrote itself, as it must look: a disk or a hand may have damaged it since. */
import { isDigest } from '../reference.ts';
import { anything, fields, flag, form, listOf, optional, size, text, type Shape } from '../foreign/shape.ts';
import type { LayerReport } from '../unpack/types.ts';
import type { ImageRecord } from './records.ts';
import type { LayerRecord } from './records.ts';

const digest = form('a sha256 digest', 'sha256 digests', isDigest);

export const imageIndex: Shape<{ version: 1; images: readonly ImageRecord[] }> = fields<{
  version: 1;
  images: readonly ImageRecord[];
}>({
  version: anything as Shape<1>,
  images: listOf(
    fields<ImageRecord>({
      id: digest,
      manifestDigest: digest,
      tags: listOf(text),
      repoDigests: listOf(text),
      layers: listOf(fields<ImageRecord['layers'][number]>({ diffId: digest, blob: digest, size })),
      layerDirs: listOf(text),
      lastTagged: text,
      parent: optional(digest),
    }),
  ),
});

export const layerRecord: Shape<LayerRecord> = fields<LayerRecord>({
  blob: digest,
  // Stores of earlier versions have less to say.
  report: fields<LayerReport>({
    diffId: digest,
    tarSize: optional(size),
    size,
    impliedDirs: listOf(text),
    danglingLinks: listOf(fields<LayerReport['danglingLinks'][number]>({ path: text, target: text })),
    opaqueRoot: optional(flag),
  }),
});
