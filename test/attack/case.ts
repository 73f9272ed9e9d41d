/**
 * What an attack is made of. An attacker builds an image, an archive or an environment that means harm, and somebody
 * uses it with minidock as anybody would. The attack says what it got hold of. `undefined` says that minidock held.
 *
 * An attack that could not be carried out throws: a container that did not start for another reason is no defence.
 * The runner proves each case against a build without the fix (`--binary FILE --expect broken`).
 */
import type { TestHost } from '../support/host.ts';
import type { RunResult } from '../support/processes.ts';

/** How the victim uses the image; a case runs once for each of its ways. */
export type Way = 'run' | 'create' | 'exec' | 'init' | 'script' | 'privileged';

/** What holds for a whole run of the suite. */
export interface Setting {
  readonly firewall: 'nftables' | 'iptables';
  /** `auto` runs every container with `--userns=auto`. */
  readonly userns: 'host' | 'auto';
}

export interface HostileImage {
  /** Path in the image to what is there. A link is `{ link: target }`. */
  readonly files: Readonly<
    Record<string, string | { readonly link: string } | { readonly text: string; readonly mode: number }>
  >;
  /** The image configuration's `config` object, as the attacker writes it. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Stage {
  readonly host: TestHost;
  readonly setting: Setting;
  /** A directory of this case alone, on the host. */
  readonly dir: string;
  /** The minidock under attack, with the setting's flags where the verb takes them. */
  minidock(...args: readonly string[]): Promise<RunResult>;
  /** Stores the image (busybox and its applets in /bin beside `files`) and returns its name. */
  image(hostile: HostileImage): Promise<string>;
  /** Runs the image this way and waits for its end: the one call most cases need. */
  use(way: Way, image: string, flags: readonly string[], command: readonly string[]): Promise<RunResult>;
  /** A file of the host that holds an unguessable text, which must not be read, and must not change. */
  secret(): Promise<{ readonly path: string; readonly text: string; changed(): boolean }>;
}

export interface AttackCase {
  /** kebab-case, unique: `volume-through-proc-self`. */
  readonly name: string;
  /** One sentence: what the attacker does and hopes for. */
  readonly story: string;
  /** CVEs of runc, Docker or others of the same class. */
  readonly cves?: readonly string[];
  /** Part of the short form, which belongs to the normal tests. */
  readonly short?: boolean;
  /** `run` alone when left out. */
  readonly ways?: readonly Way[];
  /** The evidence of success, in words; undefined when minidock held. */
  attack(stage: Stage, way: Way): Promise<string | undefined>;
}
