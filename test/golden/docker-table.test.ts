/** .github/DOCKER.md: every command of Docker and every flag of `run`, with what minidock does, out of the program. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test } from '@jest/globals';
import * as verbs from '../../src/commands/program/verbs.ts';
import { defineContainerFlags } from '../../src/commands/shared/container-flags.ts';
import { REFUSALS } from '../../src/engine/spec/refused-flags.ts';
import { DOCKER_COMMANDS, DOCKER_RUN_FLAGS } from '../support/docker/docker-words.ts';

const FILE = join(import.meta.dirname, '../../.github/DOCKER.md');

/** The first word, or all words, of what one host cannot do, or minidock is not for. */
const NOT_FOR_MINIDOCK: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['config', 'node', 'secret', 'service', 'stack', 'swarm'].map((word) => [
      word,
      'no: Swarm takes several hosts',
    ]),
  ),
  plugin: 'no: there are no plug-ins',
  checkpoint: 'no: it is experimental in Docker',
  trust: 'no: images are verified by digest only',
  context: 'no: there is one engine, on this host',
  'volume update': 'no: Swarm takes several hosts',
  compose: 'no: a plug-in of Docker’s',
};

/** Flags of `run` alone. */
const RUN_ONLY = ['--detach', '--detach-keys', '--sig-proxy'];

const known = new Set(verbs.VERBS.flatMap(({ name, aliases = [] }) => [name, ...aliases]));

function command(name: string): string {
  if (known.has(name)) return 'yes';
  return NOT_FOR_MINIDOCK[name] ?? NOT_FOR_MINIDOCK[name.split(' ')[0] ?? ''] ?? 'not yet';
}

function flag(name: string, options: ReadonlySet<string>): string {
  const refusal = REFUSALS.find((one) => one.flag === name);
  if (refusal !== undefined) {
    const accepted = refusal.accepted.filter((value) => value !== '' && value !== '0');
    return `${accepted.length === 0 ? 'no' : `only ${accepted.join(', ')}`}: ${refusal.why}`;
  }
  return options.has(name) || RUN_ONLY.includes(name) ? 'yes' : 'not yet';
}

function table(title: string, rows: readonly (readonly [string, string])[]): string {
  const widths = [title.length, ...rows.map(([name]) => name.length + 2)];
  const first = Math.max(...widths);
  const second = Math.max(8, ...rows.map(([, text]) => text.length));
  return [
    `| ${title.padEnd(first)} | ${'minidock'.padEnd(second)} |`,
    `| ${'-'.repeat(first)} | ${'-'.repeat(second)} |`,
    ...rows.map(([name, text]) => `| ${`\`${name}\``.padEnd(first)} | ${text.padEnd(second)} |`),
  ].join('\n');
}

test('the tables of .github/DOCKER.md say what the program does (UPDATE_GOLDEN=1 writes them)', () => {
  const run = new Command('run');
  defineContainerFlags(run);
  const options = new Set(run.options.map(({ long }) => long ?? ''));
  const text = [
    '# Docker and minidock',
    '',
    'What Docker 26.1 has, and what minidock does with it. A test writes these tables from the program.',
    '',
    'An image is kept for one platform: `pull` and `load` take the one that fits this machine, or the one of `--platform`,',
    'and leave out the others of a list; `save` and `push` give that one.',
    '',
    '## Commands',
    '',
    table(
      'docker',
      DOCKER_COMMANDS.map((name) => [name, command(name)]),
    ),
    '',
    '## Flags of run and create',
    '',
    table(
      'docker run',
      DOCKER_RUN_FLAGS.map((name) => [name, flag(name, options)]),
    ),
    '',
  ].join('\n');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
