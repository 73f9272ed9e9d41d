/** What quickstart and test do about missing tools, with a PATH of the test's own and lists of the test's own. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { testUnless } from '../../support/host/requirements.ts';

const script = join(import.meta.dirname, '../../../scripts/packages.sh');
let bin = '';

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  for (const tool of ['sort', 'id', 'cat', 'rm', 'tail', 'touch'])
    symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
});
afterEach(() => rmSync(bin, { recursive: true }));

function install(list: string): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    '/bin/bash',
    // bash takes a socket as its input for a remote shell's, and would read .bashrc.
    ['--norc', '-euo', 'pipefail', '-c', `. ${script}; install_missing "$1"`, 'test', list],
    { env: { PATH: bin, HERE: bin, TMPDIR: bin }, encoding: 'utf8' },
  );
  return { status, output: stdout + stderr };
}

function fakeApt(body: string): void {
  writeFileSync(join(bin, 'apt-get'), `#!/bin/bash\necho "apt-get $*" >>"$HERE/said"\n${body}\n`, {
    mode: 0o755,
  });
}

test('nothing is said or done when every tool is there', () => {
  expect(install('cat coreutils')).toEqual({ status: 0, output: '' });
});

test('without apt it names the packages, each once, and fails', () => {
  const { status, output } = install('no-such-tool tools-of-mine\nnor-this-one tools-of-mine\ncat coreutils');
  expect(status).toBe(1);
  expect(output).toContain('These are missing here (names as in Debian): tools-of-mine\n');
});

const notRoot = process.getuid?.() === 0 ? '' : 'not root';

testUnless(notRoot, 'with apt it installs just the missing ones', () => {
  fakeApt('touch "$HERE/installed"');
  const { status, output } = install('no-such-tool tools-of-mine\ncat coreutils');
  expect({ status, output }).toEqual({ status: 0, output: 'Installing: tools-of-mine\n' });
  expect(said()).toEqual(['apt-get install -y -q --no-install-recommends tools-of-mine']);
});

testUnless(notRoot, 'when that fails it fetches new lists and tries again, then says what apt said', () => {
  fakeApt('[ "$1" = update ] || { echo "E: no such package"; exit 100; }');
  const { status, output } = install('no-such-tool tools-of-mine');
  expect(status).toBe(1);
  expect(said().map((line) => line.split(' ')[1])).toEqual(['install', 'update', 'install']);
  expect(output).toContain('apt-get could not install tools-of-mine');
  expect(output).toContain('E: no such package');
});

function said(): string[] {
  return spawnSync('/bin/cat', [join(bin, 'said')], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
}

test('what single tests need, or else are skipped for, is in a list', () => {
  const root = join(import.meta.dirname, '../..');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  const sources = files.filter(
    (file) => file.endsWith('.test.ts') && !file.endsWith('scripts/packages.test.ts'),
  );
  const programs = sources.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    // `missing('dot')`, 'no qemu-aarch64 (qemu-user)'.
    return [...text.matchAll(/missing\('([\w-]+)'\)|'no ([\w-]+) \([\w-]+\)'/g)].map(([, a, b]) => a ?? b);
  });
  expect([...new Set(programs)]).toEqual(expect.arrayContaining(['dot', 'qemu-aarch64']));
  const lists = readFileSync(script, 'utf8').split('\n');
  for (const program of programs) {
    expect(lists.filter((line) => line.startsWith(`${program ?? ''} `))).not.toEqual([]);
  }
});

test('scripts/test installs them apart from what all tests need', () => {
  const text = readFileSync(join(script, '../test'), 'utf8');
  expect(text).toMatch(/^ +if wanted unit \|\| wanted e2e; then install_missing "\$test_more_tools"; fi$/m);
  expect(text).toMatch(/missing=\$\(packages_missing "\$run_tools\$test_tools" /);
});
