/**
 * The steps of verbs that move files or names: cp, export, rename, tag, save, load, import. Each is the command that does
 * the same by hand; minidock does it in this process, opening each name of a container by descriptor. Pure.
 */
import { join } from 'node:path';
import { quoteWord } from '../../../runtime/plan/quote.ts';
import type { Step } from '../../../runtime/plan/step.ts';
import { hasProgram, type ContainerConfig } from '../spec/container.ts';
import { configPath } from '../state/half-made.ts';
import { containerDir, imagesDir, nameFile, namesDir, overlayDir, type Paths } from '../state/paths.ts';
import type { Container } from '../state/store.ts';

const script = (text: string): Step['command'] => ({ kind: 'run', argv: ['sh', '-c', text] });

const garbage: Step['undo'] = {
  kind: 'none',
  why: 'no image refers to it yet; the next rmi or image prune deletes it',
};

/** Where its files are, and the command that puts them there. */
function rootOf(
  paths: Paths,
  { config, state }: Container,
): { readonly root: string; readonly before: string } {
  if (hasProgram(state)) return { root: `/proc/${String(state.pid)}/root`, before: '' };
  const own = overlayDir(paths, config.id);
  const layers = [...config.layers].reverse().join(':');
  const options = `lowerdir=${layers},upperdir=${join(own, 'upper')},workdir=${join(own, 'work')}`;
  return { root: 'ROOT', before: `mkdir ROOT && mount -t overlay overlay -o ${quoteWord(options)} ROOT && ` };
}

const ROOT_WHY =
  ' The files of a container that runs are below the root of its first process; those of a stopped one are its layers, ' +
  'merged in a mount without a place in the tree, which goes with this command. Each name is resolved inside of ' +
  'this root (openat2(2)): a symlink of the container leads nowhere else.';

export function planCopy(
  paths: Paths,
  container: Container,
  { inward, path, other }: { readonly inward: boolean; readonly path: string; readonly other: string },
): readonly Step[] {
  const { root, before } = rootOf(paths, container);
  const inside = quoteWord(join(root, path));
  const { name } = container.config;
  const out =
    other === '-' ? `tar --create --directory ${inside} .` : `cp --recursive ${inside} ${quoteWord(other)}`;
  const into =
    other === '-' ? `tar --extract --directory ${inside}` : `cp --recursive ${quoteWord(other)} ${inside}`;
  return [
    {
      id: 'files.copy',
      section: 'copy',
      title: inward ? `Copy ${other} to ${path} of ${name}` : `Copy ${path} of ${name} to ${other}`,
      why: `One side reads, the other one writes, at the same time: no archive lies on the disk meanwhile.${ROOT_WHY}`,
      without: inward
        ? `The files are not in ${name}.`
        : 'The files stay where they are, and go with the container.',
      command: script(before + (inward ? into : out)),
      undo: {
        kind: 'none',
        why: 'what was there before is replaced; files that it had not stay until they are removed',
      },
      observe: inward
        ? ['minidock', 'exec', name, 'ls', '-l', path]
        : ['ls', '-l', other === '-' ? '.' : other],
    },
  ];
}

export function planExport(paths: Paths, container: Container, output: string | undefined): readonly Step[] {
  const { root, before } = rootOf(paths, container);
  const file = output === undefined ? '-' : output;
  return [
    {
      id: 'archive.write',
      section: 'archive',
      title: `Write the files of ${container.config.name} to ${output === undefined ? 'standard output' : output}`,
      why: `The archive holds the merged tree: no layers, no configuration and no volumes.${ROOT_WHY}`,
      without: 'There is no archive to import.',
      command: script(
        `${before}tar --create --numeric-owner --xattrs --one-file-system --directory ${quoteWord(root)} --file ${quoteWord(file)} .`,
      ),
      undo: { kind: 'none', why: 'a file that could not be written wholly is removed' },
      observe: ['tar', '--list', '--file', output ?? 'ARCHIVE'],
    },
  ];
}

export function planRename(paths: Paths, { id, name }: ContainerConfig, to: string): readonly Step[] {
  const config = configPath(containerDir(paths, id));
  return [
    {
      id: 'container.rename',
      section: 'names',
      title: `Give ${name} the name ${to}`,
      why: 'A name is a file with the id in it, made with O_EXCL: of two commands that want one name, one gets it. The new name is taken before the old one is given back.',
      without: `The container is still called ${name}.`,
      command: script(
        `set -o noclobber; echo ${id} > ${quoteWord(nameFile(paths, to))} && mv ${quoteWord(`${config}.new`)} ${quoteWord(config)} && rm ${quoteWord(nameFile(paths, name))}`,
      ),
      undo: { kind: 'command', command: { kind: 'run', argv: ['minidock', 'rename', to, name] } },
      observe: ['ls', namesDir(paths)],
    },
  ];
}

export function planTag(paths: Paths, id: string, name: string): readonly Step[] {
  return [nameStep(paths, `Give the image ${id.slice(7, 19)} the name ${name}`, ['minidock', 'rmi', name])];
}

const nameStep = (paths: Paths, title: string, undo: readonly [string, ...string[]]): Step => {
  const index = join(imagesDir(paths), 'images.json');
  return {
    id: 'image.name',
    section: 'names',
    title,
    why: 'The index of images is written beside the old one and renamed over it: a reader sees the one or the other.',
    without: 'No command finds the image by that name.',
    command: { kind: 'run', argv: ['mv', `${index}.new`, index] },
    undo: { kind: 'command', command: { kind: 'run', argv: undo } },
    observe: ['jq', '.', index],
  };
};

export function planSave(
  paths: Paths,
  names: readonly string[],
  output: string | undefined,
): readonly Step[] {
  const blobs = join(imagesDir(paths), 'blobs', 'sha256');
  return [
    {
      id: 'archive.write',
      section: 'archive',
      title: `Write ${names.join(', ')} to ${output === undefined ? 'standard output' : output}`,
      why: 'An archive has a layout of OCI and the manifest.json of Docker side by side: configurations, manifests and layers, each once, under the digest of its content. A layer that is kept unpacked alone is packed again.',
      without: 'There is no archive to load elsewhere.',
      command: script(
        `tar --create --file ${quoteWord(output ?? '-')} oci-layout index.json manifest.json --directory ${quoteWord(join(blobs, '../..'))} blobs/sha256/DIGEST…`,
      ),
      undo: { kind: 'none', why: 'a file that could not be written wholly is removed' },
      observe: ['tar', '--list', '--file', output ?? 'ARCHIVE'],
    },
  ];
}

export function planLoad(paths: Paths, input: string | undefined): readonly Step[] {
  const images = imagesDir(paths);
  const from = input === undefined ? 'standard input' : input;
  return [
    {
      id: 'archive.load',
      section: 'archive',
      title: `Load the images of ${from}`,
      why: 'Each blob is compared with its digest and each layer unpacked into a directory of its own, where no name may lead out. An image is listed last, when all of it is there.',
      without: 'No container can be made of the images.',
      command: script(
        `tar --extract --file ${quoteWord(input ?? '-')} --directory ${quoteWord(images)} blobs && mkdir -p ${quoteWord(join(images, 'layers', 'LAYER', 'fs'))} && tar --extract --numeric-owner --file LAYER --directory ${quoteWord(join(images, 'layers', 'LAYER', 'fs'))} && mv images.json.new ${quoteWord(join(images, 'images.json'))}`,
      ),
      undo: garbage,
      observe: ['minidock', 'images'],
    },
  ];
}

export function planImport(paths: Paths, file: string, reference: string | undefined): readonly Step[] {
  const images = imagesDir(paths);
  const layer = join(images, 'layers', 'LAYER', 'fs');
  return [
    {
      id: 'archive.import',
      section: 'archive',
      title: `Make an image of the root filesystem in ${file === '-' ? 'standard input' : file}${reference === undefined ? '' : `, named ${reference}`}`,
      why: 'The archive is unpacked as the one layer of a new image. A configuration and a manifest are written for it, with what --change says.',
      without: 'No container can be made of the files.',
      command: script(
        `mkdir -p ${quoteWord(layer)} && tar --extract --numeric-owner --file ${quoteWord(file)} --directory ${quoteWord(layer)} && mv images.json.new ${quoteWord(join(images, 'images.json'))}`,
      ),
      undo: {
        kind: 'command',
        command: { kind: 'run', argv: ['minidock', 'rmi', reference ?? 'ID'] },
      },
      observe: ['minidock', 'images'],
    },
  ];
}
