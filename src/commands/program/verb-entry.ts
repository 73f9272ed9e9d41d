/** An entry of the table of verbs: its words, and the module that has it. */
import type { Verb } from '../shared/verb.ts';

export interface VerbEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Not in lists: for programs. */
  readonly hidden?: boolean;
  readonly load: () => Promise<Verb>;
}
