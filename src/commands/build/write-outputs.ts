/** What a build has made, brought to where `--output` says. */
import { dirname } from 'node:path';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { formatReference, fullName, parseReference } from '../../../images/reference.ts';
import type { StoredImage } from '../../../images/types.ts';
import { BuildError } from '../../build/errors.ts';
import type { Built } from '../../build/build.ts';
import { keepImage } from '../../build/image.ts';
import type { Output } from '../../build/output/outputs.ts';
import type { Reporter, Vertex } from '../../build/progress/report.ts';
import type { Engine } from '../../engine/engine.ts';
import { recordEvents } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import type { PushOutput } from '../../engine/registry/push.ts';
import { stdout } from '../../io/standard-streams.ts';
import { refuseTerminal, writeBeside } from '../shared/output-file.ts';

export interface Written {
  /** As asked for. */
  readonly names: readonly string[];
  /** Of the image that a registry has, or else of the one here. */
  readonly digest: string | undefined;
}

/** What can be refused is refused before the build. @throws BuildError in buildx's words. */
export function checkOutputs(outputs: readonly Output[], tags: readonly string[]): void {
  for (const output of outputs) {
    if (output.type === 'image' && output.push && tags.length + output.names.length === 0)
      throw refused('tag is needed when pushing to registry');
    if (output.type === 'tar' || (output.type === 'archive' && !output.folder)) {
      refuseTerminal(output.dest);
      if (output.dest !== undefined && isDirectory(output.dest))
        throw refused(`destination file ${output.dest} is a directory`);
    }
  }
  if (
    outputs.filter(
      (output) =>
        output.type !== 'image' &&
        !('folder' in output && output.folder) &&
        'dest' in output &&
        output.dest === undefined,
    ).length > 1
  )
    throw refused('only one output can go to standard output');
}

export async function writeOutputs(
  engine: Engine,
  { dirs, image }: Built,
  outputs: readonly Output[],
  tags: readonly string[],
  report: Reporter,
): Promise<Written> {
  const store = await engine.images();
  const names = new Set<string>();
  let digest: string | undefined;
  const during = (title: string, work: (say: (text: string) => void) => Promise<void>): Promise<void> => {
    const vertex: Vertex = report.vertex(title);
    return report.during(vertex, () => work((text) => report.output(vertex, Buffer.from(`${text}\n`))));
  };
  const archived = (
    given: readonly string[],
  ): { image: StoredImage; tags: string[]; annotations: typeof image.annotations } => ({
    image: notKept(image.configDigest, image.manifestDigest, image.config),
    tags: given.map(normalised),
    annotations: image.annotations,
  });
  for (const output of outputs) {
    const called =
      output.type === 'image' || output.type === 'archive'
        ? output.names.length > 0
          ? output.names
          : tags
        : [];
    called.forEach((name) => names.add(name));
    switch (output.type) {
      case 'image':
        await during('exporting to image', async (say) => {
          const kept = await keepImage(store, image, called);
          recordEvents(
            engine.paths,
            called.map((tag) => imageEvent('tag', kept.id, tag, kept.config.config?.Labels)),
          );
          say(`writing image ${kept.id} done`);
          for (const name of called) say(`naming to ${normalised(name)} done`);
          digest ??= kept.id;
        });
        if (output.push)
          for (const name of called)
            await during(`pushing ${fullName(name)}`, async (say) => {
              digest = await push(engine, name, say);
            });
        break;
      case 'local':
        await during('exporting to client directory', async () => {
          const { writeFolder } = await import('../../build/output/write-files.ts');
          await writeFolder(store, dirs, output.dest);
        });
        break;
      case 'tar':
        await during('exporting to client tarball', async () => {
          const { writeTar } = await import('../../build/output/write-files.ts');
          await toFile(
            output.dest,
            async (stream) => void (await writeTar(store, dirs, (bytes) => patiently(stream, bytes))),
          );
        });
        break;
      case 'archive':
        await during('exporting to oci image format', async () => {
          const { writeImageArchive, writeImageFolder } = await import('../../build/output/write-archive.ts');
          if (output.folder) await writeImageFolder(store, archived(called), output.dest ?? '.');
          else await toFile(output.dest, (stream) => writeImageArchive(store, archived(called), stream));
        });
    }
  }
  return { names: [...names], digest };
}

async function push(engine: Engine, name: string, say: (text: string) => void): Promise<string | undefined> {
  const { pushByName } = await import('../../engine/registry/push.ts');
  let digest: string | undefined;
  const write = (text: string): void => {
    digest = /digest: (sha256:[0-9a-f]{64}) /.exec(text)?.[1] ?? digest;
    say(text.replace(/\n$/, ''));
  };
  const output: PushOutput = { write, writeRaw: write, isTTY: false, columns: 0, rows: 0 };
  await pushByName(engine, fullName(name), { quiet: false, output });
  return digest;
}

async function toFile(dest: string | undefined, write: (stream: Writable) => Promise<void>): Promise<void> {
  if (dest === undefined) return write(stdout.asNodeStream());
  mkdirSync(dirname(dest), { recursive: true });
  await writeBeside(dest, 'failed to write the output', write);
}

async function patiently(stream: Writable, bytes: Uint8Array): Promise<void> {
  if (!stream.write(bytes)) await once(stream, 'drain');
}

/** `--metadata-file`, with BuildKit's names. */
export function writeMetadata(path: string, built: Built, { names, digest }: Written): void {
  const kept =
    digest === undefined
      ? {}
      : {
          'containerimage.config.digest': built.image.configDigest,
          'containerimage.digest': digest,
          ...(names.length === 0 ? {} : { 'image.name': names.map(normalised).join(',') }),
        };
  writeFileSync(path, `${JSON.stringify(kept, undefined, 2)}\n`);
}

const notKept = (id: string, manifestDigest: string, config: StoredImage['config']): StoredImage => ({
  id,
  config,
  manifestDigest,
  tags: [],
  repoDigests: [],
  layerDirs: [],
  size: 0,
  lastTagged: '',
});

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const refused = (message: string): BuildError => new BuildError({ code: 'INVALID_OUTPUT', message });

/** docker.io/library/app:latest */
const normalised = (name: string): string => formatReference(parseReference(name));
