/** Flags of `docker build` that change nothing here, and those that are refused unless they ask for nothing. */
import { Option, type Command } from 'commander';
import { collect } from '../shared/verb.ts';
import { invalid } from './flag-values.ts';

/** BuildKit has them hidden, and does what they say anyway. */
const IDLE = ['--compress', '--rm [on]', '--force-rm'];

interface Refusal {
  readonly flag: string;
  /** Of the parsed flags. */
  readonly key: string;
  readonly accepted: readonly string[];
  readonly why: string;
}

const ATTESTED = 'minidock writes no attestations';
const REFUSALS: readonly Refusal[] = [
  { flag: '--builder', key: 'builder', accepted: ['', 'default'], why: 'there is one builder, the default' },
  { flag: '--provenance', key: 'provenance', accepted: ['', 'false'], why: ATTESTED },
  { flag: '--sbom', key: 'sbom', accepted: ['', 'false'], why: ATTESTED },
  { flag: '--attest', key: 'attest', accepted: [''], why: ATTESTED },
];

export function addOtherFlags(command: Command): void {
  for (const flag of IDLE) command.addOption(new Option(flag).hideHelp());
  for (const { flag } of REFUSALS)
    command.addOption(new Option(`${flag} <value>`).argParser(collect).hideHelp());
}

/** @throws MinidockError for the first that asks for something. */
export function refuseOthers(flags: object): void {
  for (const { flag, key, accepted, why } of REFUSALS) {
    const given = (flags as Readonly<Record<string, readonly string[] | undefined>>)[key] ?? [];
    const wrong = given.find((value) => !accepted.includes(value));
    if (wrong !== undefined) throw invalid(`${flag} ${wrong} is not supported: ${why}`);
  }
}
