/** `--cache-from` and `--cache-to`, in buildx's words: `type=registry,ref=IMAGE`, `type=local,src=DIR`, or an image alone. Pure. */
import { isDigest, parseReference, type Reference } from '../../../images/reference.ts';
import { BuildError } from '../errors.ts';
import { booleanOf, fieldsOf } from '../output/outputs.ts';

/** What a build may take layers from. */
export type CacheSource =
  | { readonly type: 'registry'; readonly reference: Reference }
  | { readonly type: 'local'; readonly dir: string; readonly digest: string | undefined };

interface Target {
  /** Also the layers of stages that are not in the image. */
  readonly all: boolean;
  /** A failure is a warning. */
  readonly ignoresErrors: boolean;
}

export type CacheTarget =
  /** In the image's own configuration. */
  | { readonly type: 'inline' }
  | (Target & { readonly type: 'registry'; readonly reference: Reference })
  | (Target & { readonly type: 'local'; readonly dir: string });

/** Of one flag: several names of images may stand in it. '' names none. @throws BuildError, ImageError. */
export function parseCacheFrom(text: string): readonly CacheSource[] {
  if (isNames(text))
    return namesIn(text).map((name) => ({ type: 'registry', reference: parseReference(name) }));
  const flag = '--cache-from';
  const { type, get } = openFields(flag, text, { registry: ['ref'], local: ['src', 'digest'] });
  if (type === 'registry') return [{ type, reference: parseReference(required(flag, type, 'ref', get)) }];
  const digest = get('digest');
  if (digest !== undefined && !isDigest(digest)) throw invalid(`${flag}: "${digest}" is no sha256 digest`);
  return [{ type: 'local', dir: required(flag, type, 'src', get), digest }];
}

/** @throws BuildError, ImageError. */
export function parseCacheTo(text: string): readonly CacheTarget[] {
  const usual = { all: false, ignoresErrors: false };
  if (isNames(text))
    return namesIn(text).map((name) => ({ ...usual, type: 'registry', reference: parseReference(name) }));
  const flag = '--cache-to';
  const more = ['mode', 'ignore-error'];
  const { type, get, flagOf } = openFields(flag, text, {
    inline: ['mode'],
    registry: ['ref', ...more],
    local: ['dest', ...more],
  });
  const mode = get('mode') ?? 'min';
  if (mode !== 'min' && mode !== 'max') throw invalid(`${flag}: invalid mode "${mode}": min or max`);
  if (type === 'inline') {
    if (mode === 'max')
      throw invalid(`${flag} type=inline,mode=max is not supported: an image has its own layers alone`);
    return [{ type }];
  }
  const common = { all: mode === 'max', ignoresErrors: flagOf('ignore-error') };
  if (type === 'registry')
    return [{ ...common, type, reference: parseReference(required(flag, type, 'ref', get)) }];
  return [{ ...common, type: 'local', dir: required(flag, type, 'dest', get) }];
}

const isNames = (text: string): boolean => !text.includes('=');

const namesIn = (text: string): readonly string[] => text.split(',').filter((name) => name !== '');

function openFields<T extends string>(
  flag: string,
  text: string,
  known: Readonly<Record<T, readonly string[]>>,
): {
  readonly type: T;
  readonly get: (key: string) => string | undefined;
  readonly flagOf: (key: string) => boolean;
} {
  const fields = fieldsOf(text);
  const type = fields.get('type') ?? '';
  if (!isKnown(known, type))
    throw invalid(`${flag} type=${type} is not supported: ${Object.keys(known).join(', ')} are`);
  for (const key of fields.keys())
    if (key !== 'type' && !known[type].includes(key))
      throw invalid(`${flag} type=${type},${key} is not supported: ${known[type].join(', ')} are`);
  return { type, get: (key) => fields.get(key), flagOf: (key) => booleanOf(fields, key, false) };
}

const isKnown = <T extends string>(known: Readonly<Record<T, unknown>>, type: string): type is T =>
  Object.hasOwn(known, type);

function required(flag: string, type: string, key: string, get: (key: string) => string | undefined): string {
  const value = get(key) ?? '';
  if (value === '') throw invalid(`${flag} type=${type} needs ${key}=…`);
  return value;
}

const invalid = (message: string): BuildError =>
  new BuildError({ code: 'INVALID_FLAG', message, exitCode: 125 });
