/**
 * `--change` of `minidock import`: Dockerfile instructions applied to an image's configuration. Those that Docker
 * accepts there: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME, WORKDIR (and ONBUILD and HEALTHCHECK,
 * which minidock does not implement and therefore refuses).
 */
import { posix } from 'node:path';
import { ImageError } from '../errors.ts';
import type { ContainerDefaults } from '../types.ts';
import { splitWords } from './split-words.ts';

type Apply = (config: ContainerDefaults, rest: string) => ContainerDefaults;

const shell = ['/bin/sh', '-c'];

const instructions: Readonly<Record<string, Apply>> = {
  CMD: (config, rest) => ({ ...config, Cmd: command(rest) }),
  ENTRYPOINT: (config, rest) => ({ ...config, Entrypoint: command(rest) }),
  ENV: (config, rest) => ({ ...config, Env: withEnv(config.Env ?? [], keyValues('ENV', rest)) }),
  EXPOSE: (config, rest) => ({ ...config, ExposedPorts: { ...config.ExposedPorts, ...ports(rest) } }),
  LABEL: (config, rest) => ({
    ...config,
    Labels: { ...config.Labels, ...Object.fromEntries(keyValues('LABEL', rest)) },
  }),
  STOPSIGNAL: (config, rest) => ({ ...config, StopSignal: one('STOPSIGNAL', rest) }),
  USER: (config, rest) => ({ ...config, User: one('USER', rest) }),
  VOLUME: (config, rest) => ({
    ...config,
    Volumes: { ...config.Volumes, ...Object.fromEntries(paths(rest).map((path) => [path, {}])) },
  }),
  WORKDIR: (config, rest) => ({
    ...config,
    // A relative directory counts from the one before.
    WorkingDir: posix.resolve('/', config.WorkingDir ?? '', one('WORKDIR', rest)),
  }),
};

/** In the order given. @throws ImageError 'INVALID_CHANGE'. */
export function applyChanges(config: ContainerDefaults, changes: readonly string[]): ContainerDefaults {
  return changes.reduce<ContainerDefaults>((current, change) => {
    const name = nameOf(change);
    const apply = instructions[name];
    const rest = change.trim().slice(name.length).trim();
    if (apply === undefined) {
      throw invalid(`${name || 'an empty text'} is not a valid change command`, change);
    }
    if (rest === '') throw invalid(`${name} requires at least one argument`, change);
    return apply(current, rest);
  }, config);
}

function nameOf(change: string): string {
  return (/^\s*(\S*)/.exec(change)?.[1] ?? '').toUpperCase();
}

/** `["a","b"]` is run as it is; anything else by the shell. */
function command(rest: string): readonly string[] {
  return jsonWords(rest) ?? [...shell, rest];
}

function paths(rest: string): readonly string[] {
  return jsonWords(rest) ?? splitWords(rest);
}

function jsonWords(rest: string): readonly string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(rest);
    if (Array.isArray(value) && value.every((word): word is string => typeof word === 'string')) return value;
  } catch {
    // Not JSON: then it is a shell's command that happens to begin with a bracket, as Docker takes it.
  }
  return undefined;
}

/** `K=V "K2"=V2 …`, or the older `K the rest is the value`. */
function keyValues(name: string, rest: string): readonly (readonly [string, string])[] {
  const words = splitWords(rest);
  if (words[0] !== undefined && !words[0].includes('=')) {
    const [, key = '', value] = /^(\S+)\s+([\s\S]*)$/.exec(rest) ?? [];
    if (value === undefined) throw invalid(`${name} must have two arguments`, `${name} ${rest}`);
    return [[key, value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals <= 0)
      throw invalid(`can't find = in "${word}". Must be of the form: name=value`, `${name} ${rest}`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function withEnv(env: readonly string[], pairs: readonly (readonly [string, string])[]): readonly string[] {
  const names = new Set(pairs.map(([key]) => key));
  return [
    ...env.filter((entry) => !names.has(entry.slice(0, entry.indexOf('=')))),
    ...pairs.map(([key, value]) => `${key}=${value}`),
  ];
}

function ports(rest: string): Readonly<Record<string, object>> {
  return Object.fromEntries(splitWords(rest).flatMap((word) => portRange(word).map((port) => [port, {}])));
}

/** '80' and '8000-8002/udp' as Docker's configuration spells them: one key a port, with its protocol. */
function portRange(word: string): readonly string[] {
  const [, from = '', to = from, protocol = 'tcp'] =
    /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/([a-zA-Z]+))?$/.exec(word) ?? [];
  const first = Number(from);
  const last = Number(to);
  const known = ['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase());
  if (from === '' || !known || first < 1 || last > 65535 || last < first) {
    throw invalid(`"${word}" is not a port`, `EXPOSE ${word}`);
  }
  return Array.from({ length: last - first + 1 }, (_, i) => `${String(first + i)}/${protocol.toLowerCase()}`);
}

function one(name: string, rest: string): string {
  const words = splitWords(rest);
  const word = words[0];
  if (word === undefined || words.length > 1)
    throw invalid(`${name} requires exactly one argument`, `${name} ${rest}`);
  return word;
}

function invalid(message: string, change: string): ImageError {
  return new ImageError({
    code: 'INVALID_CHANGE',
    message: `invalid change "${change}": ${message}`,
    hint: `known are ${Object.keys(instructions).join(', ')}, as in a Dockerfile`,
  });
}
