/** What the instructions without files do to an image's configuration, by BuildKit's rules. Pure. */
import { posix } from 'node:path';
import type { ContainerDefaults } from '../../../images/types.ts';
import type { CommandLine, HealthcheckInstruction, Instruction, Pair } from '../parse/instruction.ts';

export interface Settings {
  readonly config: ContainerDefaults;
  readonly author: string | undefined;
  /** The stage has a CMD of its own; one of the base image goes with a new ENTRYPOINT. */
  readonly hasCmd: boolean;
}

const SHELL = ['/bin/sh', '-c'];

export const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const words = (command: CommandLine, config: ContainerDefaults): readonly string[] =>
  command.form === 'exec' ? command.args : [...(config.Shell ?? SHELL), command.line];

export function withEnv(env: readonly string[], pairs: readonly Pair[]): readonly string[] {
  const list = [...env];
  for (const [name, value] of pairs) {
    const at = list.findIndex((entry) => entry.startsWith(`${name}=`) || entry === name);
    if (at < 0) list.push(`${name}=${value}`);
    else list[at] = `${name}=${value}`;
  }
  return list;
}

export const withCommand = (
  settings: Settings,
  kind: 'CMD' | 'ENTRYPOINT',
  command: CommandLine,
): Settings => {
  const { config } = settings;
  const args = words(command, config);
  if (kind === 'CMD')
    return { ...settings, config: { ...config, Cmd: args, ArgsEscaped: true }, hasCmd: true };
  const rest = settings.hasCmd ? config : { ...config, Cmd: null };
  return { ...settings, config: { ...rest, Entrypoint: args } };
};

export function healthcheck(
  instruction: HealthcheckInstruction,
): NonNullable<ContainerDefaults['Healthcheck']> {
  const { command, interval, timeout, startPeriod, startInterval, retries } = instruction;
  const test =
    command === undefined
      ? ['NONE']
      : command.form === 'exec'
        ? ['CMD', ...command.args]
        : ['CMD-SHELL', command.line];
  return {
    Test: test,
    ...(interval === 0 ? {} : { Interval: interval }),
    ...(timeout === 0 ? {} : { Timeout: timeout }),
    ...(startPeriod === 0 ? {} : { StartPeriod: startPeriod }),
    ...(startInterval === 0 ? {} : { StartInterval: startInterval }),
    ...(retries === 0 ? {} : { Retries: retries }),
  };
}

/** '80', '80-82/udp', '8080:80' as Docker's configuration spells them. undefined: no port. */
export function exposed(word: string): readonly string[] | undefined {
  const [, first = '', last = first, protocol = 'tcp'] =
    /^(?:(?:[0-9.]+:)?[0-9-]*:)?([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/([A-Za-z]+))?$/.exec(word) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === '' || from > 65535 || to > 65535 || to < from) return undefined;
  if (!['tcp', 'udp', 'sctp'].includes(protocol.toLowerCase())) return undefined;
  return Array.from({ length: to - from + 1 }, (_, at) => `${String(from + at)}/${protocol.toLowerCase()}`);
}

export const workdir = (config: ContainerDefaults, path: string): string =>
  posix.resolve('/', config.WorkingDir ?? '', path);

export const isMetadata = ({ kind }: Instruction): boolean =>
  !['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(kind);
