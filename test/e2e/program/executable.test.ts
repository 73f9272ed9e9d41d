/** What is true of dist/minidock as a file: what it says it is, that it can be built again, what it does not read. */
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Writable } from 'node:stream';
import { messageFrame } from '../../../src/io/frames.ts';
import { runProgram } from '../../support/host/processes.ts';

const top = resolve(import.meta.dirname, '../../..');
const minidock = join(top, 'dist/minidock');
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

test('it knows its version and its commit', async () => {
  const { version } = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as { version: string };
  const head = await runProgram(['git', 'rev-parse', '--short=12', 'HEAD'], { cwd: top });
  const { stdout } = await runProgram([
    minidock,
    'version',
    '--format',
    '{{.Client.Version}} {{.Client.GitCommit}}',
  ]);
  expect(stdout.replace('-changed', '')).toBe(`${version} ${head.stdout}`);
});

test('the same sources give the same bytes', async () => {
  const dist = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  try {
    const build = await runProgram([join(top, 'scripts/build')], {
      timeout: 60_000,
      env: { MINIDOCK_DIST: dist },
    });
    expect(build).toMatchObject({ exitCode: 0 });
    expect(digest(join(dist, 'minidock'))).toBe(digest(minidock));
  } finally {
    rmSync(dist, { recursive: true });
  }
});

test('nothing in the working directory changes what it does', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  try {
    writeFileSync(join(directory, '.env'), 'MINIDOCK_ROOT=/from-dot-env\n');
    writeFileSync(join(directory, 'bunfig.toml'), 'preload = ["./intruder.js"]\n');
    writeFileSync(join(directory, 'intruder.js'), 'console.log("intruder")\n');
    writeFileSync(join(directory, 'package.json'), '{ "type": "nonsense" }\n');
    const { stdout } = await runProgram([minidock, 'info', '--format', '{{.DockerRootDir}}'], {
      cwd: directory,
      env: { MINIDOCK_ROOT: join(directory, 'root'), MINIDOCK_RUN: join(directory, 'run') },
    });
    expect(stdout).toBe(`${join(directory, 'root')}\n`);
    // With nothing said, the default counts: on a /var/lib of this test's own, since it is a place on the machine.
    const script = 'mount -t tmpfs tmpfs /var/lib && exec env --unset=MINIDOCK_ROOT "$@"';
    const plain = await runProgram(
      [
        ...['unshare', '--mount', 'sh', '-c', script, 'sh', minidock],
        ...['--run', join(directory, 'run'), 'info', '--format', '{{.DockerRootDir}}'],
      ],
      { cwd: directory },
    );
    expect(plain.stdout).toBe('/var/lib/minidock\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a shim that fails in a way nobody foresaw ends, although the command that waits for it is connected', async () => {
  const request = { id: 'none', root: 5, run: 5, explain: false, attach: {} };
  const shim = spawn(minidock, ['__shim', '{"id":"none"}'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 10_000,
  });
  (shim.stdio[3] as Writable).write(messageFrame(request));
  let words = '';
  shim.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
  const [code] = (await once(shim, 'exit')) as [number | null];
  expect(code).toBe(125);
  expect(words).toContain('internal error');
});
