/** The values of `build`'s flags, checked before anything is done. */
import { readFileSync } from 'node:fs';
import { MinidockError } from '../../../runtime/errors.ts';

export const pairs = (words: readonly string[]): readonly (readonly [string, string])[] =>
  words.map((word) => {
    const equals = word.indexOf('=');
    return equals < 0 ? [word, ''] : [word.slice(0, equals), word.slice(equals + 1)];
  });

/** A name alone takes the value of the environment, if there is one. */
export const buildArgs = (words: readonly string[]): readonly (readonly [string, string])[] =>
  words.flatMap((word): readonly (readonly [string, string])[] => {
    if (word.includes('=')) return pairs([word]);
    const value = process.env[word];
    return value === undefined ? [] : [[word, value]];
  });

/** `id=x,src=FILE` or `id=x,env=NAME`. */
export function secret(text: string): readonly [string, () => Buffer] {
  const fields = new Map(pairs(text.split(',')));
  const id = fields.get('id');
  if (id === undefined || id === '') throw invalid(`--secret "${text}" has no id`);
  const [file, variable] = [fields.get('src') ?? fields.get('source'), fields.get('env')];
  if (file !== undefined) return [id, () => readFileSync(file)];
  const name = variable ?? id;
  const value = process.env[name];
  if (value !== undefined) return [id, () => Buffer.from(value)];
  if (variable !== undefined) throw invalid(`--secret "${text}": the variable ${name} is not set`);
  return [id, () => readFileSync(id)];
}

export function agent(text: string): readonly [string, string] {
  const [id = 'default', given] = text.split('=', 2);
  const socket = given ?? process.env['SSH_AUTH_SOCK'];
  if (socket === undefined || socket === '') throw invalid(`--ssh ${text}: SSH_AUTH_SOCK is not set`);
  return [id, socket];
}

export function epoch(): number | undefined {
  const text = process.env['SOURCE_DATE_EPOCH'];
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,11}$/.test(text)) throw invalid(`SOURCE_DATE_EPOCH=${text} is not a number of seconds`);
  return Number(text);
}

/** Of the manifest: an image here has one platform, and so no index. */
export function annotation(text: string): readonly [string, string] {
  const [, levels, key = '', value = ''] = /^(?:([a-z,[\]/0-9_-]+):)?([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  if (key === '') throw invalid(`invalid annotation "${text}", expected key=value`);
  const isLevel = (levels ?? '')
    .split(',')
    .every((level) => /^(manifest|index)(-descriptor)?(\[.*\])?$/.test(level));
  if (levels === undefined) return [key, value];
  // `example.com:x=y` has a colon of its own.
  if (!isLevel) return [`${levels}:${key}`, value];
  if (levels === 'manifest') return [key, value];
  throw invalid(
    `--annotation ${levels}:… is not supported: an image of one platform has annotations of its manifest alone`,
  );
}

export const invalid = (message: string): MinidockError =>
  new MinidockError({ code: 'INVALID_FLAG', message, exitCode: 125 });
