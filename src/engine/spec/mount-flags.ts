/** `-v`, `--mount` and `--tmpfs`, as Docker reads them, into the mounts of a container. */
import { existsSync } from 'node:fs';
import { isAbsolute, normalize } from 'node:path';
import type { ContainerDefaults } from '../../../images/types.ts';
import type { MountSpec } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { csvFields } from './csv.ts';
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
  if (parts.length > 3) throw invalidSpec(`invalid spec: ${text}: too many colons`);
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
  if (!isAbsolute(source)) {
    if (common.options.length > 0) {
      const reason = 'invalid mount config for type "volume": field BindOptions must not be specified';
      throw invalidSpec(`invalid volume specification: '${text}': ${reason}`);
    }
    return { type: 'volume', source: '', volume: source, ...common };
  }
  return { type: 'bind', source, ...common, makeSource: true };
}

export function parseMount(text: string): MountRequest {
  const fields = new Map<string, string>();
  const words = csvFields(text, (reason) => invalidArgument(text, '--mount', reason));
  for (const field of words) {
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
  const fieldOf = (key: string): string =>
    words.find((field) => field.split('=', 1)[0]?.toLowerCase() === key) ?? key;
  const bad = (reason: string): Error => invalidArgument(text, '--mount', reason);
  const type = take('type') ?? 'volume';
  const source = take('source', 'src') ?? '';
  const where = take('target', 'destination', 'dst');
  if (where === undefined) throw bad('target is required');
  const flag = (...keys: readonly string[]): boolean => {
    const value = take(...keys);
    if (value === undefined || FALSE.includes(value)) return false;
    if (!TRUE.includes(value)) throw bad(`invalid value for ${keys[0] ?? ''}: ${value}`);
    return true;
  };
  const readOnly = flag('readonly', 'ro');
  const common = { target: target(where, text), readOnly };
  let mount: MountRequest;
  if (type === 'bind') {
    const wrong = (reason: string): Error => invalidSpec(`invalid mount config for type "bind": ${reason}`);
    if (source === '') throw wrong('field Source must not be empty');
    if (!isAbsolute(source)) throw wrong(`invalid mount path: '${source}' mount path must be absolute`);
    if (!existsSync(source)) throw wrong(`bind source path does not exist: ${source}`);
    const propagation = take('bind-propagation');
    const nonrecursive = isNonrecursive(
      flag('bind-nonrecursive'),
      take('bind-recursive'),
      readOnly,
      propagation,
      bad,
    );
    mount = {
      type,
      source,
      ...common,
      options: [...(propagation === undefined ? [] : [propagation]), ...(nonrecursive ? ['bind'] : [])],
      noCopy: true,
    };
  } else if (type === 'volume') {
    const noCopy = flag('volume-nocopy');
    const whole: MountRequest =
      source === ''
        ? { ...anonymousVolume(common.target), readOnly, noCopy }
        : { type, source: '', volume: source, ...common, options: [], noCopy };
    const subpath = take('volume-subpath');
    mount = subpath === undefined ? whole : { ...whole, subpath: checkSubpath(subpath, 'volume') };
  } else if (type === 'tmpfs') {
    if (source !== '') throw bad('source is not allowed for tmpfs');
    const size = take('tmpfs-size');
    const mode = take('tmpfs-mode');
    if (mode !== undefined && !/^[0-7]+$/.test(mode)) throw bad(`invalid value for tmpfs-mode: ${mode}`);
    const options = [
      ...(size === undefined ? [] : [`size=${String(parseBytes(size, '--mount'))}`]),
      ...(mode === undefined ? [] : [`mode=${mode}`]),
    ];
    mount = { type, source: '', ...common, options, noCopy: true };
  } else if (type === 'image') {
    if (source === '')
      throw invalidSpec('invalid mount config for type "image": field Source must not be empty');
    const subpath = take('image-subpath');
    mount = {
      ...{ type, source: '', target: common.target, readOnly: true, options: [], noCopy: true },
      image: { name: source, id: '', layers: [] },
      ...(subpath === undefined || subpath === '' ? {} : { subpath: checkSubpath(subpath, 'image') }),
    };
  } else {
    throw invalidSpec(`invalid mount config for type "${type}": mount type unknown`);
  }
  const [unknown] = fields.keys();
  if (unknown !== undefined) throw bad(`unexpected key '${unknown}' in '${fieldOf(unknown)}'`);
  return { ...mount, by: 'mount' };
}

function checkSubpath(path: string, type: 'volume' | 'image'): string {
  const clean = normalize(path);
  if (path !== '' && !isAbsolute(path) && clean !== '..' && !clean.startsWith('../')) return clean;
  throw invalidSpec(
    `invalid mount config for type "${type}": subpath must be a relative path within the ${type}`,
    `The subpath was given as '${path}'.`,
  );
}

/** What is mounted below a directory that is read-only is read-only too, where it comes along. */
function isNonrecursive(
  older: boolean,
  word: string | undefined,
  readOnly: boolean,
  propagation: string | undefined,
  bad: (reason: string) => Error,
): boolean {
  if (word === undefined || word === 'enabled') return older;
  if (word === 'disabled') return true;
  if (word === 'writable')
    throw bad('bind-recursive=writable is not supported: mounts below a read-only directory are read-only');
  if (word !== 'readonly')
    throw bad(
      `invalid value for bind-recursive: ${word} (must be "enabled", "disabled", "writable", or "readonly")`,
    );
  if (!readOnly)
    throw bad("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  if (propagation !== 'rprivate')
    throw bad(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
  return false;
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

const anonymousVolume = (path: string): MountRequest => ({
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
    // The same words twice are one volume; two sources for one target are a mistake.
    ...[...new Set(request.volume ?? [])].map(parseVolume),
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
      `invalid volume specification: '${text}': invalid mount config for type "bind": ` +
        `invalid mount path: '${path}' mount path must be absolute`,
    );
  }
  const clean = normalize(path).replace(/(.)\/+$/, '$1');
  if (clean === '/') throw invalidSpec(`invalid volume specification: '${text}': destination can't be '/'`);
  return clean;
}

const TRUE = ['1', 't', 'T', 'true', 'True', 'TRUE'];
const FALSE = ['0', 'f', 'F', 'false', 'False', 'FALSE'];
