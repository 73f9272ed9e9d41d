/** From an instruction's text to its type: what is returned has all parts that its kind needs, and no others. */
import { syntaxError, type LineRange } from '../errors.ts';
import { commandLine, duration, jsonWords, listOrWords, pairs, splitWords } from './arguments.ts';
import type { RawInstruction } from './document.ts';
import { booleanFlag, readFlags, splitFlags, type Flags } from './flags.ts';
import type { CopyInstruction, FromInstruction, Instruction, RunInstruction } from './instruction.ts';
import { rawWords } from './raw-words.ts';
import { mountOptions } from './run-mount.ts';

interface Parts {
  readonly rest: string;
  readonly flags: Flags;
  readonly raw: RawInstruction;
  readonly escape: string;
  readonly common: { readonly lines: LineRange; readonly text: string };
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  FROM: ['platform'],
  RUN: ['mount', 'network', 'security'],
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'exclude', 'checksum', 'keep-git-dir'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};
const REPEATED = ['mount', 'exclude'];

/** Where flags do not count, `--x` is an argument. */
const parsers: Readonly<Record<string, (parts: Parts) => Instruction>> = {
  FROM: from,
  RUN: run,
  COPY: copy,
  ADD: copy,
  HEALTHCHECK: healthcheck,
  ARG: ({ rest, escape, common, raw }) => {
    const words = rawWords(rest, escape);
    if (words.length === 0) throw missing(raw);
    return {
      kind: 'ARG',
      ...common,
      args: words.map((word) => {
        const equals = word.indexOf('=');
        if (equals === 0) throw syntaxError('ARG names can not be blank', raw.lines);
        return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
      }),
    };
  },
  ENV: ({ rest, escape, common }) => ({
    kind: 'ENV',
    ...common,
    pairs: pairs('ENV', rest, escape, common.lines),
  }),
  LABEL: ({ rest, escape, common }) => ({
    kind: 'LABEL',
    ...common,
    pairs: pairs('LABEL', rest, escape, common.lines),
  }),
  CMD: ({ rest, common }) => ({ kind: 'CMD', ...common, command: commandLine(rest) }),
  ENTRYPOINT: ({ rest, common }) => ({ kind: 'ENTRYPOINT', ...common, command: commandLine(rest) }),
  EXPOSE: ({ rest, common, raw }) => ({ kind: 'EXPOSE', ...common, words: some(splitWords(rest), raw) }),
  VOLUME: ({ rest, common, raw }) => {
    const words = some(listOrWords(rest), raw);
    if (words.some((word) => word.trim() === ''))
      throw syntaxError('VOLUME specified can not be an empty string', raw.lines);
    return { kind: 'VOLUME', ...common, words };
  },
  SHELL: ({ rest, common, raw }) => {
    const args = jsonWords(rest);
    if (args === undefined || args.length === 0)
      throw syntaxError('SHELL requires the arguments to be in JSON form', raw.lines);
    return { kind: 'SHELL', ...common, args };
  },
  USER: (parts) => ({ kind: 'USER', ...parts.common, value: one(parts) }),
  WORKDIR: (parts) => ({ kind: 'WORKDIR', ...parts.common, value: one(parts) }),
  STOPSIGNAL: (parts) => ({ kind: 'STOPSIGNAL', ...parts.common, value: one(parts) }),
  MAINTAINER: (parts) => ({ kind: 'MAINTAINER', ...parts.common, value: one(parts) }),
  ONBUILD: (parts) => {
    const value = one(parts);
    const [trigger = ''] = value.split(/\s/, 1);
    if (trigger.toUpperCase() === 'ONBUILD')
      throw syntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", parts.raw.lines);
    if (['FROM', 'MAINTAINER'].includes(trigger.toUpperCase()))
      throw syntaxError(`${trigger.toUpperCase()} isn't allowed as an ONBUILD trigger`, parts.raw.lines);
    return { kind: 'ONBUILD', ...parts.common, value };
  },
};

/** @throws BuildError 'DOCKERFILE_SYNTAX'. */
export function parseInstruction(raw: RawInstruction, escape: string): Instruction {
  const parse = Object.hasOwn(parsers, raw.keyword) ? parsers[raw.keyword] : undefined;
  if (parse === undefined) throw syntaxError(`unknown instruction: ${raw.keyword}`, raw.lines);
  const known = FLAGS[raw.keyword];
  const { flags, rest } = known === undefined ? { flags: [], rest: raw.rest } : splitFlags(raw.rest, escape);
  if (rest === '' && !['CMD', 'ENTRYPOINT', 'RUN'].includes(raw.keyword)) throw missing(raw);
  return parse({
    rest,
    flags: readFlags(raw.keyword, flags, known ?? [], REPEATED, raw.lines),
    raw,
    escape,
    common: { lines: raw.lines, text: `${raw.keyword} ${raw.rest}` },
  });
}

function from({ rest, flags, common, raw }: Parts): FromInstruction {
  const [image = '', as, name, ...more] = splitWords(rest);
  if (more.length > 0 || (as !== undefined && (as.toLowerCase() !== 'as' || name === undefined)))
    throw syntaxError('FROM requires either one or three arguments', raw.lines);
  if (name !== undefined && !/^[a-z][a-z0-9-_.]*$/i.test(name))
    throw syntaxError(
      `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
      raw.lines,
    );
  return {
    kind: 'FROM',
    ...common,
    image,
    ...(name && { name: name.toLowerCase() }),
    ...optional(flags, 'platform'),
  };
}

function run({ rest, flags, common, raw }: Parts): RunInstruction {
  if (flags.has('security'))
    throw syntaxError('RUN --security is not supported: minidock builds without privileges', raw.lines);
  const [network] = flags.get('network') ?? [];
  if (network !== undefined && network !== 'default' && network !== 'none' && network !== 'host')
    throw syntaxError(`invalid network mode: "${network}"`, raw.lines);
  const command = commandLine(rest);
  if (rest === '' || (command.form === 'exec' && command.args.length === 0)) throw missing(raw);
  return {
    kind: 'RUN',
    ...common,
    command,
    heredocs: raw.heredocs,
    mounts: (flags.get('mount') ?? []).map((text) => mountOptions(text, raw.lines)),
    ...(network === undefined ? {} : { network }),
  };
}

function copy({ rest, flags, common, raw }: Parts): CopyInstruction {
  const words = listOrWords(rest);
  if (words.length < 2)
    throw syntaxError(`${raw.keyword} requires at least two arguments, but only one was provided`, raw.lines);
  const documents = new Set(raw.heredocs.map(({ word }) => word));
  return {
    kind: raw.keyword === 'ADD' ? 'ADD' : 'COPY',
    ...common,
    sources: words.slice(0, -1).filter((word) => !documents.has(word)),
    heredocs: raw.heredocs,
    destination: words.at(-1) ?? '',
    ...optional(flags, 'from'),
    ...optional(flags, 'chown'),
    ...optional(flags, 'chmod'),
    ...optional(flags, 'checksum'),
    link: booleanFlag(flags, 'link', raw.lines),
    parents: booleanFlag(flags, 'parents', raw.lines),
    exclude: flags.get('exclude') ?? [],
    keepGitDir: booleanFlag(flags, 'keep-git-dir', raw.lines),
  };
}

function healthcheck({ rest, flags, common, raw }: Parts): Instruction {
  const [, type = '', command = ''] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
  const of = (name: string): string | undefined => flags.get(name)?.[0];
  const retries = of('retries') ?? '0';
  if (!/^\d+$/.test(retries)) throw syntaxError(`--retries must be a number, not "${retries}"`, raw.lines);
  const times = {
    interval: duration('interval', of('interval'), raw.lines),
    timeout: duration('timeout', of('timeout'), raw.lines),
    startPeriod: duration('start-period', of('start-period'), raw.lines),
    startInterval: duration('start-interval', of('start-interval'), raw.lines),
    retries: Number(retries),
  };
  switch (type.toUpperCase()) {
    case 'NONE':
      if (command !== '') throw syntaxError('HEALTHCHECK NONE takes no arguments', raw.lines);
      return { kind: 'HEALTHCHECK', ...common, command: undefined, ...times };
    case 'CMD': {
      const parsed = commandLine(command);
      if (command === '' || (parsed.form === 'exec' && parsed.args.length === 0))
        throw syntaxError('Missing command after HEALTHCHECK CMD', raw.lines);
      return { kind: 'HEALTHCHECK', ...common, command: parsed, ...times };
    }
    default:
      throw syntaxError(`Unknown type "${type}" in HEALTHCHECK (try CMD)`, raw.lines);
  }
}

function optional<K extends string>(flags: Flags, name: K): { readonly [key in K]?: string } {
  const [value] = flags.get(name) ?? [];
  return value === undefined || value === '' ? {} : ({ [name]: value } as { [key in K]: string });
}

function one({ rest, raw }: Parts): string {
  if (rest.trim() === '') throw missing(raw);
  return rest.trim();
}

function some(words: readonly string[], raw: RawInstruction): readonly string[] {
  if (words.length === 0) throw missing(raw);
  return words;
}

const missing = (raw: RawInstruction): Error =>
  syntaxError(`${raw.keyword} requires at least one argument`, raw.lines);
