/** The value of `RUN --mount`: options separated by commas, checked against what its type knows. */
import { syntaxError, type LineRange } from '../errors.ts';
import type { MountOptions } from './instruction.ts';

const TARGET = ['type', 'target'];
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  bind: [...TARGET, 'source', 'from', 'rw', 'ro'],
  cache: [...TARGET, 'id', 'source', 'from', 'sharing', 'mode', 'uid', 'gid', 'ro', 'rw'],
  tmpfs: [...TARGET, 'size'],
  secret: [...TARGET, 'id', 'required', 'mode', 'uid', 'gid', 'env'],
  ssh: [...TARGET, 'id', 'required', 'mode', 'uid', 'gid'],
};

const NAMES: Readonly<Record<string, string>> = {
  dst: 'target',
  destination: 'target',
  src: 'source',
  readonly: 'ro',
  readwrite: 'rw',
};
const FLAGS = ['ro', 'rw', 'required'];

/** `type` is always there; a flag without a value has 'true'. @throws BuildError. */
export function mountOptions(text: string, lines: LineRange): MountOptions {
  const options = new Map<string, string>();
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    const given = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const name = NAMES[given] ?? given;
    if (equals < 0 && !FLAGS.includes(name))
      throw syntaxError(`invalid field '${field}' must be a key=value pair`, lines);
    options.set(name, equals < 0 ? 'true' : field.slice(equals + 1));
  }
  const type = options.get('type') ?? 'bind';
  options.set('type', type);
  const known = Object.hasOwn(OPTIONS, type) ? OPTIONS[type] : undefined;
  if (known === undefined) throw syntaxError(`unsupported mount type "${type}"`, lines);
  for (const name of options.keys())
    if (!known.includes(name)) throw syntaxError(`unexpected key '${name}' for mount type '${type}'`, lines);
  if (!options.has('target') && !['secret', 'ssh'].includes(type))
    throw syntaxError(`invalid mount: "target" is required for type "${type}"`, lines);
  return options;
}
