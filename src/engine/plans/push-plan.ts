/**
 * The steps of a push, made of the same tasks that are carried out (images/push-tasks.ts), each as the curl that sends
 * the same. What stood before them, to find out how the registry speaks and to get a token, is planned like a pull's.
 */
import { join } from 'node:path';
import { digestOf } from '../../../images/digest.ts';
import { mediaTypes, typeOfManifest } from '../../../images/media-types.ts';
import type { LayerTask, PushTasks } from '../../../images/push-tasks.ts';
import type { Answered } from '../../../images/registry/session.ts';
import { hexOf } from '../../../images/store/blob-store.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import type { HostStep, Undo } from '../../../runtime/plan/step.ts';
import { imagesDir, type Paths } from '../state/paths.ts';
import { authArgv, blobPath } from './pull-plan.ts';

export const CONFIG_PUSH = 'config.push';
export const MANIFEST_PUSH = 'manifest.push';
export const NOTE_STEP = 'image.note';

/** `layer`: the first twelve digits of its diff id. */
export const pushStepId = (what: 'compress' | 'push', layer: string): string => `layer.${what}:${layer}`;

const SENT: Undo = {
  kind: 'none',
  why: 'what a registry was given is its own; it deletes what no manifest names',
};

interface Place {
  /** 'https://registry/v2/NAME'. */
  readonly base: string;
  readonly auth: readonly string[];
}

/** `sample`: a request for a blob of the repository, as it was sent: for its URL and how it was allowed. */
export function planPushSteps(
  paths: Paths,
  tasks: PushTasks,
  tag: string,
  sample: Answered,
): readonly HostStep[] {
  const { layers, config } = tasks;
  const base = decodeURIComponent(sample.url).replace(/\/blobs\/[^/]*$/, '');
  const place = { base, auth: authArgv(sample.headers['authorization']) };
  const once = [...new Map(layers.map((task) => [task.diffId, task])).values()].reverse();
  const file = blobPath(paths, config.digest);
  return [
    ...once.flatMap((task) => layerSteps(paths, task, place)),
    {
      id: CONFIG_PUSH,
      section: 'registry',
      title: 'Push the configuration',
      why: 'It is a blob like the layers: the registry is asked whether it has it, and gets it if not.',
      without: 'The registry refuses the manifest, which names a blob that it does not have.',
      command: { kind: 'run', argv: ['sh', '-c', sendUnlessThere(place, config.digest, file, [])] },
      undo: SENT,
      observe: ['curl', '--silent', '--head', `${base}/blobs/${config.digest}`],
    },
    manifestStep(paths, tasks, place, tag),
    noteStep(paths),
  ];
}

function layerSteps(paths: Paths, task: LayerTask, place: Place): readonly HostStep[] {
  const { diffId, descriptor, file = '', compress, mountFrom } = task;
  const layer = hexOf(diffId).slice(0, 12);
  const packed = join(imagesDir(paths), 'blobs', 'partial', `${hexOf(diffId)}.gz`);
  const pack = `gzip --no-name --stdout ${quoteWord(file)} > ${quoteWord(packed)}`;
  const source = compress ? packed : file;
  const digest = compress ? undefined : descriptor?.digest;
  return [
    ...(compress
      ? [
          {
            id: pushStepId('compress', layer),
            section: 'registry',
            title: `Compress the layer ${layer}`,
            why: 'It is kept as a plain archive here. Neither a name nor a time goes in, so that it gets the same digest each time. If the registry has what became of it the last time, it is not compressed again.',
            without: 'Everyone who pulls the image would fetch a multiple of the bytes.',
            command: { kind: 'run', argv: ['sh', '-c', pack] },
            undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-f', packed] } },
            observe: ['ls', '-l', packed],
          } as const,
        ]
      : []),
    {
      id: pushStepId('push', layer),
      section: 'registry',
      title: `Push the layer ${layer}`,
      why:
        'The registry is asked for the digest first: what it has is not sent. If another of its repositories has the ' +
        'layer, the registry mounts it from there. Otherwise the bytes are uploaded, and it checks their digest.',
      without: 'The registry refuses the manifest, which names a blob that it does not have.',
      command: { kind: 'run', argv: ['sh', '-c', sendUnlessThere(place, digest, source, mountFrom)] },
      undo: SENT,
      ...(digest === undefined
        ? {}
        : { observe: ['curl', '--silent', '--head', `${place.base}/blobs/${digest}`] as const }),
    },
  ];
}

/** One shell line. Without a digest it is computed from the file. */
function sendUnlessThere(
  { base, auth }: Place,
  digest: string | undefined,
  file: string,
  mountFrom: readonly string[],
): string {
  const named = digest ?? '"$digest"';
  const url = (rest: string): string => quoteWord(`${base}/blobs/${rest}`);
  const curl = (...words: readonly string[]): string =>
    renderArgv(['curl', '--silent', '--show-error', ...auth, ...words]);
  const post = (answer: string): string => curl('--data', '', '--output', '/dev/null', '--write-out', answer);
  // A 404 is an answer here, and no error to be shown.
  const ask = `${renderArgv(['curl', '--silent', '--fail', '--output', '/dev/null', ...auth, '--head'])} ${url('')}${named}`;
  const mounts = mountFrom.map((from) => {
    const query = `${url('uploads/?mount=')}${named}${quoteWord(`&from=${encodeURIComponent(from)}`)}`;
    return `${post('%{http_code}')} ${query} | grep --quiet 201`;
  });
  const begin = `${post('%header{location}')} ${url('uploads/')}`;
  const send = `${curl('--fail', '--upload-file', file)} "$(${begin})&digest="${named}`;
  const compute =
    digest === undefined ? `digest=sha256:$(sha256sum < ${quoteWord(file)} | cut -c1-64); ` : '';
  return compute + [ask, ...mounts, send].join(' || ');
}

function manifestStep(
  paths: Paths,
  { layers, manifest }: PushTasks,
  { base, auth }: Place,
  tag: string,
): HostStep {
  const url = `${base}/manifests/${tag}`;
  const isKept = manifest?.parsed.layers.every(
    ({ digest }, index) => layers[index]?.compress === false && layers[index].descriptor?.digest === digest,
  );
  const kept = isKept === true ? manifest : undefined;
  const type = `Content-Type: ${kept === undefined ? mediaTypes.dockerManifest : typeOfManifest(kept.parsed)}`;
  // Of layers that are compressed on the way, the digests are not known before.
  const file = kept === undefined ? 'manifest.json' : blobPath(paths, digestOf(kept.bytes));
  return {
    id: MANIFEST_PUSH,
    section: 'registry',
    title: `Push the manifest as ${tag}`,
    why: 'It names the configuration and the layers by digest. From this moment the tag stands for this image. It comes last: a registry takes a manifest only when it has everything that it names.',
    without: 'The blobs are there and no name leads to them; the registry deletes them some day.',
    command: {
      kind: 'run',
      argv: [
        'curl',
        '--silent',
        '--show-error',
        '--fail',
        ...auth,
        '--header',
        type,
        '--upload-file',
        file,
        url,
      ],
    },
    undo: {
      kind: 'none',
      why: 'what the tag stood for before is not known; pushing that again puts it back',
    },
    observe: ['curl', '--silent', '--head', '--header', type.replace('Content-Type', 'Accept'), url],
  };
}

function noteStep(paths: Paths): HostStep {
  const index = join(imagesDir(paths), 'images.json');
  return {
    id: NOTE_STEP,
    section: 'registry',
    title: 'Note the digest',
    why: 'images --digests shows it, and the next push to another repository of the registry mounts the layers from this one.',
    without: 'A push to a second repository would send every byte once more.',
    command: { kind: 'run', argv: ['mv', `${index}.new`, index] },
    undo: { kind: 'none', why: 'it goes with the image’s name (minidock rmi)' },
    observe: ['jq', '.', index],
  };
}
