/** The exports of a command module and their arguments. One verb, one file: flags, a call of the engine, output. */
import type { Command } from 'commander';
import type { Engine } from '../../engine/engine.ts';
import type { WaitingShim } from '../../engine/shim/client/shim-process.ts';

export interface Verb {
  /**
   * It reads containers by findContainer(), findRecord() and listContainers() alone: these load the examiner of records
   * where one needs it (engine/state/examiner.ts). Other verbs have it from the start.
   */
  readonly startsLean?: true;
  /** Adds options, arguments and the action to an empty commander command. */
  configure(command: Command, context: Context): void;
}

export interface Context {
  readonly engine: Engine;
  /** One that has been started already for the container that `run` makes. */
  readonly shim: WaitingShim | undefined;
  /** The exit status; the last call counts. Errors thrown by an action set their own. */
  exit(code: number): void;
  /** Prints an error for one of several arguments and goes on; the command then exits with 1. */
  report(error: unknown): Promise<void>;
}

/** For options that may be repeated. */
export const collect = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  value,
];
