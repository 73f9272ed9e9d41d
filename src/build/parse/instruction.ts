/**
 * The instructions of a Dockerfile as data. Words are as they were written: variables are put in when a stage is planned,
 * since an ENV or ARG above decides what they are.
 */
import type { LineRange } from '../errors.ts';
import type { Heredoc } from './heredocs.ts';

export type Pair = readonly [name: string, value: string];

/** `RUN x` is a shell's line, `RUN ["x"]` a program and its arguments. */
export type CommandLine =
  | { readonly form: 'shell'; readonly line: string }
  | { readonly form: 'exec'; readonly args: readonly string[] };

/** `--mount=type=cache,target=/x`, by the names of its options. */
export type MountOptions = ReadonlyMap<string, string>;

interface Common {
  readonly lines: LineRange;
  /** The instruction on one line, as errors and progress show it. */
  readonly text: string;
}

export interface CopyInstruction extends Common {
  readonly kind: 'COPY' | 'ADD';
  readonly sources: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly destination: string;
  readonly from?: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly checksum?: string;
  readonly keepGitDir: boolean;
}

export interface RunInstruction extends Common {
  readonly kind: 'RUN';
  readonly command: CommandLine;
  readonly heredocs: readonly Heredoc[];
  readonly mounts: readonly MountOptions[];
  readonly network?: 'default' | 'none' | 'host';
}

export interface FromInstruction extends Common {
  readonly kind: 'FROM';
  readonly image: string;
  readonly name?: string;
  readonly platform?: string;
}

export interface HealthcheckInstruction extends Common {
  readonly kind: 'HEALTHCHECK';
  /** undefined: NONE. */
  readonly command: CommandLine | undefined;
  /** Nanoseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export type Instruction =
  | FromInstruction
  | RunInstruction
  | CopyInstruction
  | HealthcheckInstruction
  | (Common & { readonly kind: 'ARG'; readonly args: readonly (readonly [string, string | undefined])[] })
  | (Common & { readonly kind: 'ENV' | 'LABEL'; readonly pairs: readonly Pair[] })
  | (Common & { readonly kind: 'CMD' | 'ENTRYPOINT'; readonly command: CommandLine })
  | (Common & { readonly kind: 'EXPOSE' | 'VOLUME'; readonly words: readonly string[] })
  | (Common & { readonly kind: 'SHELL'; readonly args: readonly string[] })
  | (Common & { readonly kind: 'WORKDIR'; readonly value: string })
  | (Common & {
      readonly kind: 'USER' | 'STOPSIGNAL' | 'MAINTAINER' | 'ONBUILD';
      readonly value: string;
    });

export type Kind = Instruction['kind'];
