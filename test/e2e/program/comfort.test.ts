/** The shell's comfort: completion from the table of verbs and from the state, help that fits, words for mistakes. */
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { useEngine } from '../../support/engine.ts';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { openTerminal } from '../../support/host/terminal.ts';
import { VERBS } from '../../../src/commands/program/verbs.ts';

const engine = useEngine();
const { minidock, ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

const completions = async (...words: readonly string[]): Promise<readonly string[]> => {
  const text = await ok('__complete', ...words);
  return text.split('\n').map((line) => line.split('\t')[0] ?? '');
};

describe('completion', () => {
  test('of verbs, groups and flags', async () => {
    expect(await completions('st')).toEqual(['start', 'stop', 'stats']);
    expect(await completions('container', 'pr')).toEqual(['prune']);
    expect(await completions('net')).toEqual(['network']);
    expect(await completions('ps', '--n')).toEqual(['--no-trunc']);
    expect(await completions('container', 'run', '--memory-s')).toContain('--memory-swap');
    expect(await completions('run', '--log-driver', '')).toEqual(['json-file', 'local', 'none']);
    expect(await completions('nosuch', '')).toEqual(['']);
  });

  test('of names: containers that fit, images and tags, networks, volumes', async () => {
    await ok('run', '-d', '--name', 'web-runs', '-v', 'data:/data', 'test', 'sleep', '1000');
    await ok('create', '--name', 'web-still', 'test');
    await ok('tag', 'test', 'test:other');
    await ok('network', 'create', 'back');
    expect(await completions('exec', 'web')).toEqual(['web-runs']);
    expect(await completions('start', 'web')).toEqual(['web-still']);
    expect([...(await completions('rm', '-f', ''))].sort()).toEqual(['web-runs', 'web-still']);
    expect(await completions('rm', 'web-runs', 'web')).toEqual(['web-still']);
    expect(await completions('run', 'test:')).toEqual(['test:latest', 'test:other']);
    expect(await completions('run', '--network', 'b')).toEqual(['bridge', 'back']);
    expect(await completions('run', '--network=ba')).toEqual(['--network=back']);
    expect(await completions('volume', 'rm', '')).toEqual(['data']);
    expect(await completions('network', 'rm', 'ba')).toEqual(['back']);
    await ok('rm', '-f', 'web-runs');
    await ok('volume', 'rm', 'data');
    await ok('network', 'rm', 'back');
    await ok('rmi', 'test:other');
  });

  test('in bash, which takes words apart at colons', async () => {
    const script = `
      minidock() { '${binary}' "$@"; }
      . <(minidock completion bash)
      COMP_WORDS=(minidock run test : la); COMP_CWORD=4; _minidock; echo "\${COMPREPLY[@]}"
      COMP_WORDS=(minidock conta); COMP_CWORD=1; _minidock; echo "\${COMPREPLY[@]}"
      COMP_WORDS=(minidock run --network = ho); COMP_CWORD=4; _minidock; echo "\${COMPREPLY[@]}"
      complete -p minidock`;
    const { stdout } = await engine.host.run(['bash', '-c', script]);
    expect(stdout.split('\n').slice(0, 3)).toEqual(['latest', 'container', 'host']);
    expect(stdout).toContain('-F _minidock minidock');
  });

  test('of a shell that is none of them', async () => {
    const { stderr, exitCode } = await minidock('completion', 'tcsh');
    expect(stderr).toContain('there is no completion for the shell "tcsh"');
    expect(exitCode).toBe(1);
  });
});

test('every --help fits 80 columns and ends with an example', async () => {
  for (const { name, hidden } of VERBS) {
    if (hidden === true) continue;
    const text = await ok(...name.split(' '), '--help');
    expect([name, text.split('\n').filter((line) => line.length > 80)]).toEqual([name, []]);
    expect(text).toMatch(/\nExample:\n {2}minidock .+$/);
  }
}, 60_000);

test.each([
  [['runn'], "minidock: 'runn' is not a minidock command.\nDid you mean 'run'?\nSee 'minidock --help'\n", 1],
  [['xyzzy'], "minidock: 'xyzzy' is not a minidock command.\nSee 'minidock --help'\n", 1],
  [['ps', '--alll'], "minidock: unknown flag: --alll\nDid you mean --all?\nSee 'minidock ps --help'.\n", 125],
  [
    ['service', 'ls'],
    "minidock: 'service' is not supported: there is no Swarm on one host without a daemon\n",
    1,
  ],
  [
    ['swarm', 'init'],
    "minidock: 'swarm' is not supported: there is no Swarm on one host without a daemon\n",
    1,
  ],
])('%j', async (args, stderr, exitCode) => {
  expect(await minidock(...args)).toEqual({ stdout: '', stderr, exitCode });
});

test('what does not exist in one host is refused in one line', async () => {
  for (const verb of ['checkpoint', 'compose', 'config', 'node', 'plugin', 'secret', 'stack', 'trust']) {
    const { stderr, exitCode } = await minidock(verb, 'ls');
    expect(stderr).toMatch(new RegExp(`^minidock: '${verb}' is not supported: .+\n$`));
    expect(exitCode).toBe(1);
  }
  expect((await minidock('context', 'create', 'x')).stderr).toContain("'context create' is not supported");
});

test('context has the one', async () => {
  expect(await ok('context', 'show')).toBe('default');
  expect(await ok('context', 'ls', '-q')).toBe('default');
  expect((await ok('context', 'ls')).split('\n')[1]).toMatch(/^default \* /);
  expect((await minidock('context', 'use', 'other')).exitCode).toBe(1);
});

describe('completion in the shells themselves', () => {
  const without = (shell: string): string =>
    spawnSync(shell, ['-c', 'true']).status === 0 ? '' : `${shell} is not installed`;
  const path = `PATH=${dirname(binary)}:$PATH`;

  testUnless(without('fish'), 'fish offers verbs and names, with what they are', async () => {
    await ok('network', 'create', 'back');
    const ask = (line: string): string => `complete -C '${line}'`;
    const asked = ['minidock netw', 'minidock network rm ba', 'minidock ps --no-t'].map(ask).join('; ');
    const script = `HOME=$(mktemp -d) ${path} fish -c "source (minidock completion fish | psub); ${asked}"`;
    const { stdout } = await succeed(engine.host.run(['bash', '-euc', script]));
    expect(stdout).toMatch(/^network\tManage networks\nback\tnetwork\n--no-trunc\t.*\n$/);
    await ok('network', 'rm', 'back');
  });

  testUnless(without('zsh'), 'zsh completes a verb and a name with Tab', async () => {
    await ok('network', 'create', 'back');
    const terminal = await openTerminal(engine.host);
    try {
      terminal.enter(`${path} TERM=xterm PS1='Z''SH> ' zsh -f -i`);
      await terminal.see(/ZSH> /);
      terminal.enter(
        'autoload -Uz compinit; compinit -u -D; source <(minidock completion zsh); echo REA""DY',
      );
      await terminal.see(/READY/);
      terminal.type('minidock netw\t');
      await terminal.see(/minidock network/);
      terminal.type('rm ba\t\n');
      await engine.host.waitFor(
        async () => !(await ok('network', 'ls')).includes('back'),
        'the network to go',
      );
    } finally {
      await terminal.close();
    }
  });
});
