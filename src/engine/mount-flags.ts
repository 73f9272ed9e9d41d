/** `-v`, `--mount` and `--tmpfs`, as Docker reads them, into the mounts of a container. */
import { existsSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import type { ContainerDefaults } from '../../images/types.ts';
import type { MountSpec } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidArgument, invalidSpec } from './flag-errors.ts';
import { parseBytes } from './units.ts';

/** A mount whose volume, if it has one, is not made yet. */
export interface MountRequest extends MountSpec {
  /** A new volume is filled with what the image has at the target, unless `volume-nocopy`. */
  readonly noCopy: boolean;
  /** -v makes a missing host directory, --mount refuses it: Docker's difference, kept. */
  readonly makeSource?: boolean;
}

const PROPAGATION = /^r?(shared|slave|private)$/;

export function parseVolume(text: string): MountRequest {
  const parts = text.split(':');
  if (parts.length > 3) throw invalidSpec(`invalid volume specification: '${text}'`);
  const [first = '', second, third] = parts;
  if (second === undefined) return anonymousVolume(target(first, text));
  if (first === '') throw invalidSpec(`invalid volume specification: '${text}'`);
  const words = third === undefined ? [] : third.split(',');
  const unknown = words.find(
    (word) => !/^(ro|rw|z|Z|nocopy|rbind|bind)$/.test(word) && !PROPAGATION.test(word),
  );
  if (unknown !== undefined)
    throw invalidSpec(`invalid mode: ${unknown}`, `The volume was given as '${text}'.`);
  if (words.includes('ro') && words.includes('rw')) throw invalidSpec(`invalid mode: ${third ?? ''}`);
  const common = {
    target: target(second, text),
    readOnly: words.includes('ro'),
    // SELinux labels (z, Z) have no meaning without SELinux, and Docker ignores them there too.
    options: words.filter((word) => PROPAGATION.test(word)),
    noCopy: words.includes('nocopy'),
  };
  const source =
    first.startsWith('./') || first.startsWith('../') || first === '.'
      ? normalize(`${process.cwd()}/${first}`)
      : first;
  if (!isAbsolute(source)) return { type: 'volume', source: '', volume: source, ...common };
  return { type: 'bind', source, ...common, makeSource: true };
}

export function parseMount(text: string): MountRequest {
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const at = field.indexOf('=');
    fields.set((at < 0 ? field : field.slice(0, at)).toLowerCase(), at < 0 ? 'true' : field.slice(at + 1));
  }
  const take = (...keys: readonly string[]): string | undefined => {
    let found: string | undefined;
    for (const key of keys) {
      found ??= fields.get(key);
      fields.delete(key);
    }
    return found;
  };
  const bad = (reason: string): Error => invalidArgument(text, '--mount', reason);
  const type = take('type') ?? 'volume';
  const source = take('source', 'src') ?? '';
  const where = take('target', 'destination', 'dst');
  if (where === undefined) throw bad('target is required');
  const readOnly = flag(take('readonly', 'ro'));
  const common = { target: target(where, text), readOnly };
  let mount: MountRequest;
  if (type === 'bind') {
    if (source === '') throw bad('source is required');
    if (!isAbsolute(source)) throw bad(`invalid mount path: '${source}' must be absolute`);
    if (!existsSync(source)) throw bad(`bind source path does not exist: ${source}`);
    const propagation = take('bind-propagation');
    const recursive = take('bind-nonrecursive');
    mount = {
      type,
      source,
      ...common,
      options: [...(propagation === undefined ? [] : [propagation]), ...(flag(recursive) ? ['bind'] : [])],
      noCopy: true,
    };
  } else if (type === 'volume') {
    const noCopy = flag(take('volume-nocopy'));
    mount =
      source === ''
        ? { ...anonymousVolume(common.target), readOnly, noCopy }
        : { type, source: '', volume: source, ...common, options: [], noCopy };
  } else if (type === 'tmpfs') {
    if (source !== '') throw bad('source is not allowed for tmpfs');
    const size = take('tmpfs-size');
    const mode = take('tmpfs-mode');
    const options = [
      ...(size === undefined ? [] : [`size=${String(parseBytes(size, '--mount'))}`]),
      ...(mode === undefined ? [] : [`mode=${mode}`]),
    ];
    mount = { type, source: '', ...common, options, noCopy: true };
  } else {
    throw bad(`mount type unknown: "${type}"`);
  }
  const [unknown] = fields.keys();
  if (unknown !== undefined) throw bad(`unexpected key '${unknown}' in '${text}'`);
  return mount;
}

/** `--tmpfs /run:rw,size=64m` */
export function parseTmpfs(text: string): MountRequest {
  const at = text.indexOf(':');
  const path = at < 0 ? text : text.slice(0, at);
  const options = at < 0 ? [] : text.slice(at + 1).split(',');
  return {
    type: 'tmpfs',
    source: '',
    target: target(path, text),
    readOnly: options.includes('ro'),
    options: options.filter((word) => word !== 'ro' && word !== 'rw' && word !== ''),
    noCopy: true,
  };
}

export const anonymousVolume = (path: string): MountRequest => ({
  type: 'volume',
  source: '',
  anonymous: true,
  target: path,
  readOnly: false,
  options: [],
  noCopy: false,
});

/** Flags first; an image's VOLUME that nothing is mounted on becomes an anonymous volume. */
export function mountRequests(request: CreateRequest, defaults: ContainerDefaults): readonly MountRequest[] {
  const asked = [
    ...(request.volume ?? []).map(parseVolume),
    ...(request.mount ?? []).map(parseMount),
    ...(request.tmpfs ?? []).map(parseTmpfs),
  ];
  const targets = new Set<string>();
  for (const { target } of asked) {
    if (targets.has(target)) throw invalidSpec(`Duplicate mount point: ${target}`);
    targets.add(target);
  }
  const fromImage = Object.keys(defaults.Volumes ?? {})
    .filter((path) => !targets.has(path.replace(/(.)\/+$/, '$1')))
    .map(anonymousVolume);
  return [...asked, ...fromImage];
}

function target(path: string, text: string): string {
  if (!isAbsolute(path)) {
    throw invalidSpec(
      `invalid volume specification: '${text}': invalid mount config: mount path must be absolute: '${path}'`,
    );
  }
  const clean = normalize(path).replace(/(.)\/+$/, '$1');
  if (clean === '/') throw invalidSpec(`invalid volume specification: '${text}': destination can't be '/'`);
  return clean;
}

const flag = (text: string | undefined): boolean => text !== undefined && text !== 'false' && text !== '0';
