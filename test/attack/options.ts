/** The words of the suite's command line. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Setting } from './case.ts';

export const USAGE = `usage: attack [--binary FILE] [--expect held|broken] [--firewall nftables|iptables] [--userns host|auto]
              [--short] [--list] [--verbose] [--jobs N] [--patience N] [NAME ...]

Runs each attack, or those named (a trailing * stands for anything), and says for each way of use whether minidock
held. --expect broken is for a build without the fixes: it tells which attacks succeed. --patience multiplies the
time that each may take, for slow machines. --verbose shows what minidock was asked and said.
`;

export interface Options {
  readonly binary: string;
  readonly expect: 'held' | 'broken';
  readonly setting: Setting;
  readonly short: boolean;
  readonly list: boolean;
  readonly verbose: boolean;
  readonly jobs: number;
  readonly patience: number;
  readonly names: readonly string[];
}

export function parseOptions(argv: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      binary: { type: 'string', default: 'dist/minidock' },
      expect: { type: 'string', default: 'held' },
      firewall: { type: 'string', default: 'nftables' },
      userns: { type: 'string', default: 'host' },
      short: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '3' },
      patience: { type: 'string', default: '1' },
    },
  });
  return {
    binary: resolve(values.binary),
    expect: oneOf('--expect', values.expect, ['held', 'broken']),
    setting: {
      firewall: oneOf('--firewall', values.firewall, ['nftables', 'iptables']),
      userns: oneOf('--userns', values.userns, ['host', 'auto']),
    },
    short: values.short,
    list: values.list,
    verbose: values.verbose,
    jobs: positive('--jobs', values.jobs),
    patience: positive('--patience', values.patience),
    names: positionals,
  };
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw new Error(`${option} takes ${allowed.join(' or ')}, not "${value}"`);
  return found;
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${option} takes a number, not "${value}"`);
  return number;
}

export const isNamed = (name: string, patterns: readonly string[]): boolean =>
  patterns.length === 0 ||
  patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
