/** `--output`: where a build's result goes, in buildx's words: `type=local,dest=out`, a bare folder, or `-`. Pure. */
import { BuildError } from '../errors.ts';

export type Output =
  /** Into the store, under `names`; `push` also into a registry. */
  | { readonly type: 'image'; readonly names: readonly string[]; readonly push: boolean }
  /** The files, into a folder. */
  | { readonly type: 'local'; readonly dest: string }
  /** The files as an archive; without `dest` to standard output. */
  | { readonly type: 'tar'; readonly dest: string | undefined }
  /** The image as an archive that is both, a Docker archive and an OCI layout; `folder`: its files lie there. */
  | {
      readonly type: 'archive';
      readonly names: readonly string[];
      readonly dest: string | undefined;
      readonly folder: boolean;
    };

const KEYS: Readonly<Record<string, readonly string[]>> = {
  image: ['name', 'push'],
  registry: ['name'],
  local: ['dest'],
  tar: ['dest'],
  oci: ['dest', 'name', 'tar'],
  docker: ['dest', 'name', 'tar'],
};

/** @throws BuildError in buildx's words. */
export function parseOutput(text: string): Output {
  if (text === '-') return { type: 'tar', dest: undefined };
  if (!/[=,]/.test(text)) return { type: 'local', dest: text };
  const fields = fieldsOf(text);
  const type = fields.get('type') ?? '';
  if (type === '') throw invalid('type is required for output');
  const known = Object.hasOwn(KEYS, type) ? KEYS[type] : undefined;
  if (known === undefined) throw invalid(`exporter "${type}" could not be found`);
  for (const key of fields.keys())
    if (key !== 'type' && !known.includes(key))
      throw invalid(`--output type=${type},${key} is not supported: ${known.join(', ')} are`);
  const given = fields.get('dest');
  const dest = given === '-' || given === '' ? undefined : given;
  const names = (fields.get('name') ?? '').split(',').filter((name) => name !== '');
  switch (type) {
    case 'local':
      if (dest === undefined) throw invalid('dest is required for local exporter');
      return { type, dest };
    case 'tar':
      return { type, dest };
    case 'registry':
      return { type: 'image', names, push: true };
    case 'image':
      return { type, names, push: booleanOf(fields, 'push', false) };
    default: {
      // As in Docker, which loads what has no destination.
      if (type === 'docker' && given === undefined) return { type: 'image', names, push: false };
      const folder = !booleanOf(fields, 'tar', true);
      if (folder && dest === undefined) throw invalid(`dest is required for ${type} exporter with tar=false`);
      return { type: 'archive', names, dest, folder };
    }
  }
}

/** Comma-separated; a value with commas stands in double quotes: `"name=a,b"`. */
export function fieldsOf(text: string): ReadonlyMap<string, string> {
  const words = text.match(/"[^"]*"|[^,]+/g) ?? [];
  return new Map(
    words.map((word): readonly [string, string] => {
      const field = word.replace(/^"|"$/g, '');
      const equals = field.indexOf('=');
      if (equals < 1) throw invalid(`invalid value ${field}: expected key=value`);
      return [field.slice(0, equals).toLowerCase(), field.slice(equals + 1)];
    }),
  );
}

export function booleanOf(fields: ReadonlyMap<string, string>, name: string, otherwise: boolean): boolean {
  const value = fields.get(name);
  if (value === undefined) return otherwise;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw invalid(`invalid value "${value}" of ${name}: true or false`);
}

const invalid = (message: string): BuildError => new BuildError({ code: 'INVALID_OUTPUT', message });
