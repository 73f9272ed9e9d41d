/** `images` */
import { statSync } from 'node:fs';
import type { ImageStore } from '../../../images/store/image-store.ts';
import type { StoredImage } from '../../../images/types.ts';
import { nowNs } from '../../engine/spec/time.ts';
import { formatList } from '../../docker/format.ts';
import { parseBool } from '../../docker/filters.ts';
import { filterImages, parseImageFilters } from '../../docker/image-filter.ts';
import { imageEntries, imageListStyle, imageRow, type ImageEntry } from '../../docker/image-row.ts';
import { collect, type Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Engine } from '../../engine/engine.ts';

interface ImagesFlags {
  readonly all?: boolean;
  readonly quiet?: boolean;
  readonly digests?: boolean;
  readonly trunc?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly tree?: boolean;
}

export const images: Verb = {
  startsLean: true,
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] [REPOSITORY[:TAG]]')
      .argument('[repository]')
      .option('-a, --all', 'Show all images (default hides intermediate images)')
      .option('-q, --quiet', 'Only show image IDs')
      .option('--digests', 'Show digests')
      .option('--no-trunc', "Don't truncate output")
      .option('-f, --filter <filter>', 'Filter output based on conditions provided', collect)
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .option('--tree', 'List images with their platforms below')
      .action(async (repository: string | undefined, flags: ImagesFlags) => {
        if (flags.tree === true) refuseBesideTree(flags);
        const store = await engine.images();
        const filters = parseImageFilters(flags.filter ?? [], repository);
        const wantsDangling = filters.get('dangling')?.some(parseBool) === true;
        const all = (await store.list()).filter(
          (image, _, others) => (flags.all === true && !wantsDangling) || !isIntermediate(image, others),
        );
        const named = new Map<string, StoredImage | undefined>();
        for (const name of [...(filters.get('before') ?? []), ...(filters.get('since') ?? [])]) {
          named.set(name, await store.find(name));
        }
        const chosen = filterImages(imageEntries(all), filters, (name) => named.get(name), nowNs());
        if (flags.tree === true) return stdout.write(await treeOf(engine, chosen));
        const options = { noTrunc: flags.trunc === false, now: new Date() };
        const rows = chosen.map((entry) => imageRow(entry, options));
        stdout.writeData(
          await formatList(rows, imageListStyle(flags.digests ?? false), {
            // Unlike with `ps`, a template wins over -q.
            quiet: flags.quiet === true && /^(table)?$/.test(flags.format ?? ''),
            ...(flags.format === undefined ? {} : { format: flags.format }),
          }),
        );
      });
  },
};

/** A step on the way to another image, that nobody has named. */
const isIntermediate = ({ id, tags, repoDigests }: StoredImage, others: readonly StoredImage[]): boolean =>
  tags.length + repoDigests.length === 0 && others.some(({ parent }) => parent === id);

/** In Docker's words. */
function refuseBesideTree({ quiet, trunc, digests, format }: ImagesFlags): void {
  const flag = [
    quiet === true && '--quiet',
    trunc === false && '--no-trunc',
    digests === true && '--show-digest',
    (format ?? '') !== '' && '--format',
  ].find((word) => word !== false);
  if (flag === undefined) return;
  throw new MinidockError({ code: 'INVALID_FLAG', message: `${flag} is not yet supported with --tree` });
}

/** Bytes of the blobs that its layers came in. */
function packedSize(store: ImageStore, { config }: StoredImage): number {
  const blobs = new Set(config.rootfs.diff_ids.map((diffId) => store.layer(diffId).blob));
  const sizes = [...blobs].map(
    (blob) => statSync(store.blobs.path(blob), { throwIfNoEntry: false })?.size ?? 0,
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function treeOf(engine: Engine, entries: readonly ImageEntry[]): Promise<string> {
  const [{ imageTree }, { imagesInUse }, { formatPlatform }] = await Promise.all([
    import('../../ui/image-tree.ts'),
    import('../../engine/prune/in-use.ts'),
    import('../../../images/platform.ts'),
  ]);
  const store = await engine.images();
  await engine.containers.loadExaminer();
  const inUse = imagesInUse(engine.containers);
  const names = new Map<StoredImage, ImageEntry[]>();
  for (const entry of entries) names.set(entry.image, [...(names.get(entry.image) ?? []), entry]);
  const nodes = [...names].map(([image, own]) => {
    const content = packedSize(store, image);
    return {
      names: own.flatMap(({ repository, tag }) => (tag === '<none>' ? [] : `${repository}:${tag}`)),
      ...{ id: image.id, manifest: image.manifestDigest, platform: formatPlatform(image.config) },
      ...{ content, usage: content + image.size, used: inUse.has(image.id) },
    };
  });
  return imageTree(nodes, stdout.isTTY ? stdout.columns : undefined);
}
