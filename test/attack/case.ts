/**
 * What an attack is made of. An attacker builds an image, an archive or an environment that means harm, and somebody
 * uses it with minidock as anybody would. The attack says what it got hold of. `undefined` says that minidock held.
 *
 * An attack that could not be carried out throws: a container that did not start for another reason is no defence.
 * The runner proves each case against a build without the fix (`--binary FILE --expect broken`).
 */
import type { TestHost } from '../support/host/host.ts';
import type { RunOptions, RunResult } from '../support/host/processes.ts';

/** How the victim uses the image; a case runs once for each of its ways. */
export type Way = 'run' | 'create' | 'exec' | 'init' | 'script' | 'privileged';

export const WAYS: readonly Way[] = ['run', 'create', 'exec', 'init', 'script', 'privileged'];

/** What holds for a whole run of the suite. */
export interface Setting {
  readonly firewall: 'nftables' | 'iptables';
  /** `auto` runs every container with `--userns=auto`. */
  readonly userns: 'host' | 'auto';
}

export type HostileFile =
  | string
  | { readonly link: string }
  /** A copy of the static busybox. */
  | { readonly program: 'busybox' }
  | { readonly text: string; readonly mode?: number; readonly uid?: number }
  | { readonly dir: number; readonly uid?: number }
  | { readonly fifo: number }
  | { readonly device: 'c' | 'b'; readonly major: number; readonly minor: number; readonly mode?: number };

export interface HostileImage {
  /** Path in the image to what is there: a file's text, or another kind. Missing directories are made. */
  readonly files: Readonly<Record<string, HostileFile>>;
  /** The image configuration's `config` object, as the attacker writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What `history` says about its last layer. */
  readonly history?: string;
}

export interface Secret {
  readonly path: string;
  readonly text: string;
  changed(): boolean;
}

export interface Stage {
  readonly host: TestHost;
  readonly setting: Setting;
  /** A directory of this case alone, on the host. */
  readonly dir: string;
  /** By how much this machine is slower than one that tests are written for; 1 or more. */
  readonly patience: number;
  /** Path of the minidock under attack. */
  readonly binary: string;
  /** The minidock under attack, in the host, under the setting. */
  minidock(...args: readonly string[]): Promise<RunResult>;
  /** Any program in the host, under the setting. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** Stores the image (busybox and its applets in /bin beside `files`) and returns its name. */
  image(hostile: HostileImage): Promise<string>;
  /** Runs the image this way and waits for its end: the one call most cases need. */
  use(way: Way, image: string, flags: readonly string[], command: readonly string[]): Promise<RunResult>;
  /** A file of the host that holds an unguessable text, which must not be read, and must not change. */
  secret(): Secret;
  /**
   * The words that run a script of bun:ffi in a container: -v flags for `flags`, and the command's first words. For
   * attacks that need system calls; an attacker would have such a program in the image.
   */
  bun(script: string): { readonly flags: readonly string[]; readonly command: readonly string[] };
}

export interface AttackCase {
  /** kebab-case, unique: `volume-through-proc-self`. */
  readonly name: string;
  /** One sentence: what the attacker does and hopes for. */
  readonly story: string;
  /** CVEs of runc, Docker or others of the same class. */
  readonly cves?: readonly string[];
  /** Part of the short form, which belongs to the normal tests and uses the first way alone. */
  readonly short?: boolean;
  /** It held before, too: kept so that it goes on to. */
  readonly guard?: boolean;
  /** `run` alone when left out. */
  readonly ways?: readonly Way[];
  /** The evidence of success, in words; undefined when minidock held. */
  attack(stage: Stage, way: Way): Promise<string | undefined>;
}

/** Thrown by a case that this machine has no means for; counts as skipped. */
export class CannotRun extends Error {}
