/**
 * The steps of a pull: the requests that were really sent until it was known what the image is made of, each as the
 * curl that sends the same, and from there a step for each task that is carried out (images/pull-tasks.ts), with the
 * store's own paths. A password or a token is never among it: what a registry was shown is read from a file
 * (token.header) or from ~/.netrc.
 */
import { join } from 'node:path';
import type { LayerTask, PullTask, PullTasks } from '../../../images/pull-tasks.ts';
import type { Answered } from '../../../images/registry/session.ts';
import { hexOf } from '../../../images/store/blob-store.ts';
import { layerName } from '../../../images/store/layer-store.ts';
import type { Descriptor } from '../../../images/types.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import type { HostStep, Undo } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { imagesDir, type Paths } from '../state/paths.ts';

const TOKEN_FILE = 'token.header';
const CONFIG_STEP = 'registry.config';

export interface RequestStep {
  readonly step: HostStep;
  readonly answered: Answered;
}

export interface PullPlan {
  readonly requests: readonly RequestStep[];
  /** The configuration was here, so that it was not asked for. */
  readonly known: HostStep | undefined;
  readonly tasks: ReadonlyMap<PullTask, HostStep>;
  /** All of them, in their order. */
  readonly steps: readonly HostStep[];
}

export function planPullSteps(paths: Paths, answers: readonly Answered[], all: PullTasks): PullPlan {
  const requests = planRequests(paths, answers);
  const sample = blobRequest(answers);
  const asked = requests.some(({ step }) => step.id === CONFIG_STEP);
  const known = asked ? undefined : planConfig(paths, all.config, sample);
  const tasks = new Map<PullTask, HostStep>([
    ...all.layers.flat().map((task) => [task, planLayerTask(paths, task, sample)] as const),
    [all.name, planName(paths, all.name.name)],
  ]);
  const head = [...requests.map(({ step }) => step), ...(known === undefined ? [] : [known])];
  return { requests, known, tasks, steps: [...head, ...tasks.values()] };
}

/** A request for a blob of the repository, for its URL and how it was allowed. */
function blobRequest(answers: readonly Answered[]): Answered | undefined {
  const sample =
    answers.find(({ url }) => /\/v2\/.*\/blobs\/sha256:/.test(decodeURIComponent(url))) ??
    answers.find(({ url }) => /\/v2\/.*\/manifests\//.test(url));
  return sample && { ...sample, url: sample.url.replace(/\/manifests\/[^/]*$/, '/blobs/x') };
}

/** Where a redirect leads is left out: `curl --location` goes there by itself. */
export function planRequests(paths: Paths, answers: readonly Answered[]): readonly RequestStep[] {
  const seen = new Map<string, number>();
  return answers
    .filter((_, index) => !isRedirect(answers[index - 1]))
    .map((answered) => {
      const { id, ...words } = wordsOf(answered);
      const count = (seen.get(id) ?? 0) + 1;
      seen.set(id, count);
      const { status } = answered;
      const title = status < 400 ? words.title : `${words.title} (it answers ${status})`;
      const command = { kind: 'run', argv: requestArgv(paths, answered, id) } as const;
      const named = count === 1 ? id : `${id}:${count}`;
      const kept = id === CONFIG_STEP ? keptAt(blobPath(paths, digestIn(answered.url))) : { undo: ASKED };
      return { step: { ...words, id: named, title, section: 'registry', command, ...kept }, answered };
    });
}

/** `sample` as in planLayerTask. */
function planConfig(paths: Paths, { digest }: Descriptor, sample: Answered | undefined): HostStep {
  const url = blobUrl(sample, digest);
  const headers = { ...sample?.headers, accept: '*/*' };
  const asked: Answered = { method: 'GET', url, headers, status: 200, begin: 0, ms: 0 };
  return {
    ...wordsOf(asked),
    id: CONFIG_STEP,
    section: 'registry',
    command: { kind: 'run', argv: requestArgv(paths, asked, CONFIG_STEP) },
    ...keptAt(blobPath(paths, digest)),
  };
}

/** Where a blob is, beside another of the same repository. */
function blobUrl(sample: Answered | undefined, digest: string): string {
  const url = new URL(sample?.url ?? 'https://registry/v2/NAME/blobs/DIGEST');
  url.pathname = url.pathname.replace(/[^/]*$/, digest);
  return decodeURIComponent(url.href);
}

/** Of an answer that stays, as a file. */
const keptAt = (path: string): Pick<HostStep, 'undo' | 'observe'> => ({
  undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-f', path] } },
  observe: ['jq', '.', path],
});

const isRedirect = (answered: Answered | undefined): boolean =>
  answered !== undefined && answered.status >= 300 && answered.status < 400;

const ASKED: Undo = { kind: 'none', why: 'a question changes nothing' };

function requestArgv(paths: Paths, { method, url, headers }: Answered, id: string): Argv {
  const { accept, authorization } = headers;
  const argv: Argv = [
    'curl',
    '--silent',
    '--show-error',
    '--location',
    ...(method === 'HEAD' ? ['--head'] : []),
    ...(accept === undefined ? [] : ['--header', `Accept: ${accept}`]),
    ...authArgv(authorization),
    ...(id === CONFIG_STEP ? ['--create-dirs', '--output', blobPath(paths, digestIn(url))] : []),
    url,
  ];
  if (id !== 'registry.token') return argv;
  const header = `jq --raw-output '"Authorization: Bearer " + (.token // .access_token)'`;
  return ['sh', '-c', `${renderArgv(argv)} | ${header} > ${TOKEN_FILE}`];
}

export function authArgv(scheme: string | undefined): readonly string[] {
  if (scheme === undefined) return [];
  return scheme === 'Bearer' ? ['--header', `@${TOKEN_FILE}`] : ['--netrc'];
}

const digestIn = (url: string): string => new URL(url).pathname.split('/').at(-1) ?? '';

export const blobPath = (paths: Paths, digest: string): string =>
  join(imagesDir(paths), 'blobs', 'sha256', hexOf(digest));

function wordsOf({ method, url }: Answered): Pick<HostStep, 'id' | 'title' | 'why' | 'without'> {
  const { pathname } = new URL(url);
  if (/\/v2\/$/.test(pathname))
    return {
      id: 'registry.ping',
      title: 'Ask whether this is a registry',
      why: 'Every registry answers below /v2/; a host that may be spoken to without TLS is asked this once, to find out which way it speaks.',
      without: 'minidock would not know whether to use TLS, nor, after a 401, where to get a token.',
    };
  if (/\/v2\/.*\/manifests\//.test(pathname))
    return method === 'HEAD'
      ? {
          id: 'registry.resolve',
          title: 'Ask what the tag stands for now',
          why: 'A tag may be moved at any time; the answer’s Docker-Content-Digest names what it stands for, by content. If that is here already, nothing more is fetched.',
          without: 'The manifest would be fetched each time, to find that nothing is new.',
        }
      : {
          id: 'registry.manifest',
          title: 'Fetch the manifest',
          why: 'A manifest lists the image’s configuration and layers by digest. For several platforms there is an index first, which lists a manifest for each.',
          without: 'It would not be known which blobs make the image.',
        };
  if (/\/v2\/.*\/blobs\//.test(pathname))
    return {
      id: CONFIG_STEP,
      title: 'Fetch the configuration',
      why: 'It says what to run, as whom and where, and the digest that each layer has once it is unpacked.',
      without: 'A container would not know its program, its variables or its user.',
    };
  return {
    id: 'registry.token',
    title: 'Get a token',
    why:
      'The registry has named the token server and the scope; with the token the next requests may read this ' +
      'repository for some minutes.',
    without: 'Every request is answered with 401 Unauthorized, also for images that everybody may pull.',
  };
}

/** `sample`: a request for a blob of the same repository that was answered. */
function planLayerTask(
  paths: Paths,
  { kind, descriptor: { digest, size }, diffId }: LayerTask,
  sample: Answered | undefined,
): HostStep {
  const partial = join(imagesDir(paths), 'blobs', 'partial', hexOf(digest));
  const blob = blobPath(paths, digest);
  const layer = join(imagesDir(paths), layerName(diffId));
  const files = join(layer, 'fs');
  const short = hexOf(digest).slice(0, 12);
  const [from, to] = [quoteWord(partial), quoteWord(blob)];
  const common = { id: `layer.${kind}:${short}`, section: 'unpack' } as const;
  switch (kind) {
    case 'download': {
      const fetch: Argv = [
        ...(['curl', '--silent', '--show-error', '--location', '--continue-at', '-'] as const),
        ...authArgv(sample?.headers['authorization']),
        ...['--create-dirs', '--output', partial, blobUrl(sample, digest)],
      ];
      return {
        ...common,
        title: `Download the layer ${short}, ${size} bytes`,
        why: 'A blob is asked for by the digest of its content, so any server may give it. What a broken download left is continued.',
        without: 'Part of the image’s files would be missing.',
        command: { kind: 'run', argv: fetch },
        undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-f', partial] } },
        // In partial/ until it is verified.
        observe: ['find', join(imagesDir(paths), 'blobs'), '-name', hexOf(digest), '-ls'],
      };
    }
    case 'verify': {
      const verify = `echo '${hexOf(digest)}  '${from} | sha256sum --check --quiet && mkdir -p $(dirname ${to}) && mv ${from} ${to}`;
      return {
        ...common,
        title: `Verify the layer ${short}`,
        why: 'It gets its name only if its content has that digest: whatever the network, a mirror or a disk did to it shows here.',
        without: 'Someone on the way could put other programs into the image.',
        command: { kind: 'run', argv: ['sh', '-c', verify] },
        undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-f', blob] } },
        observe: ['sha256sum', blob],
      };
    }
    case 'unpack': {
      const unpack = `mkdir -p ${quoteWord(files)} && tar --extract --numeric-owner --file ${to} --directory ${quoteWord(files)}`;
      return {
        ...common,
        title: `Unpack the layer ${short}`,
        why:
          'A layer is a tar archive, compressed; overlayfs wants a directory. minidock unpacks while it downloads, in a ' +
          'process that can write nowhere else, and turns a file .wh.NAME, which says that NAME of a layer below is ' +
          'deleted, into the device 0:0 that overlayfs takes for it.',
        without: 'There is nothing that could be mounted.',
        command: { kind: 'run', argv: ['sh', '-c', unpack] },
        undo: { kind: 'command', command: { kind: 'run', argv: ['rm', '-r', layer] } },
        observe: ['ls', files],
      };
    }
  }
}

function planName(paths: Paths, name: string): HostStep {
  const index = join(imagesDir(paths), 'images.json');
  return {
    id: 'image.name',
    section: 'unpack',
    title: `Give the image the name ${name}`,
    why: 'The index of images gets one more line, written beside the old one and renamed over it. It comes last: an image that has a name is whole.',
    without: 'The layers are there and no container can be made of them; the next clean-up takes them.',
    command: { kind: 'run', argv: ['mv', `${index}.new`, index] },
    undo: { kind: 'command', command: { kind: 'run', argv: ['minidock', 'rmi', name] } },
    observe: ['jq', '.', index],
  };
}
