/**
 * Where minidock keeps things, and what somebody else on the machine can do about it: a directory of theirs, one that
 * they can write to or exchange, a link planted in it. Each is refused with the words whose it is and what to type.
 */
import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine();
const { ok } = engine;
const binary = join(import.meta.dirname, '../../../dist/minidock');

/** Nobody that /etc/passwd knows. */
const MALLORY = 54321;
let count = 0;

/** A directory of root's, for one test. */
function scratch(): string {
  const dir = join(engine.host.dir, `scratch-${String(count++)}`);
  mkdirSync(dir, { mode: 0o755 });
  return dir;
}

const withPlaces = (
  places: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<RunResult> => engine.host.run([binary, ...args], { env: places });

/** Both as root and as run directory, also of a command that only looks. */
async function expectRefused(place: string, words: string, todo: string): Promise<void> {
  for (const variable of ['MINIDOCK_ROOT', 'MINIDOCK_RUN']) {
    for (const args of [['ps'], ['run', '--rm', 'test', 'true']]) {
      const { exitCode, stdout, stderr } = await withPlaces({ [variable]: place }, ...args);
      expect({ variable, args, exitCode, stdout, stderr }).toEqual({
        variable,
        args,
        exitCode: 125,
        stdout: '',
        stderr: expect.stringMatching(
          /^minidock: cannot keep [^\n]+\n[^\n]+ choose another place with [^\n]+\n$/,
        ),
      });
      expect(stderr).toContain(`${place}: ${words}`);
      expect(stderr).toContain(todo);
      expect(stderr).toContain(variable);
    }
  }
}

describe('a place that is refused', () => {
  test('somebody else’s', async () => {
    const place = join(scratch(), 'theirs');
    mkdirSync(place, { mode: 0o755 });
    chownSync(place, MALLORY, MALLORY);
    await expectRefused(place, `${place} belongs to uid ${String(MALLORY)}`, `chown -R root: ${place}`);
    chownSync(place, 65534, 65534);
    await expectRefused(place, `${place} belongs to nobody (uid 65534)`, `chown -R root: ${place}`);
  });

  test.each([0o777, 0o1777, 0o775, 0o702])('one with mode %o', async (mode) => {
    const place = join(scratch(), 'open to all');
    mkdirSync(place);
    chmodSync(place, mode);
    await expectRefused(place, `others than its owner can write to ${place}`, `chmod go-w '${place}'`);
  });

  test('one below a directory where somebody else may rename it, whether it is there or not', async () => {
    for (const [owner, mode, words] of [
      [MALLORY, 0o755, `belongs to uid ${String(MALLORY)}, who can put another directory in its place`],
      [MALLORY, 0o1777, `belongs to uid ${String(MALLORY)}, who can put another directory in its place`],
      [0, 0o777, 'others than its owner can write to'],
    ] as const) {
      const above = join(scratch(), 'above');
      mkdirSync(join(above, 'between/place'), { recursive: true, mode: 0o755 });
      chownSync(above, owner, owner);
      chmodSync(above, mode);
      for (const place of ['between/place', 'missing']) await expectRefused(join(above, place), '', words);
      expect(readdirSync(above)).toEqual(['between']);
    }
  });

  test('a link of somebody else’s, and one that leads to such a place or round in a circle', async () => {
    const dir = scratch();
    mkdirSync(join(dir, 'good'));
    mkdirSync(join(dir, 'bad'));
    chownSync(join(dir, 'bad'), MALLORY, MALLORY);
    symlinkSync('good', join(dir, 'planted'));
    lchownSync(join(dir, 'planted'), MALLORY, MALLORY);
    await expectRefused(join(dir, 'planted'), `the symbolic link ${dir}/planted belongs to`, 'readlink');
    await expectRefused(
      join(dir, 'planted/below'),
      `the symbolic link ${dir}/planted belongs to`,
      'readlink',
    );
    symlinkSync('./good/../bad', join(dir, 'to-bad'));
    await expectRefused(join(dir, 'to-bad'), `${dir}/bad belongs to`, `chown -R root: ${dir}/bad`);
    symlinkSync('circle', join(dir, 'circle'));
    await expectRefused(join(dir, 'circle'), 'too many symbolic links', 'without links');
  });

  test.each(['containers', 'images', 'leases', 'cables', 'networks', 'volumes', 'names', 'lab'])(
    'one whose folder %s is a link, or somebody else’s, or can be written to',
    async (folder) => {
      const place = join(scratch(), 'place');
      const inside = join(place, folder);
      mkdirSync(join(place, 'elsewhere'), { recursive: true });
      symlinkSync('elsewhere', inside);
      await expectRefused(place, `${inside} is a symbolic link`, `rm ${inside}`);
      rmSync(inside);
      mkdirSync(inside, { mode: 0o755 });
      chownSync(inside, MALLORY, 0);
      await expectRefused(place, `${inside} belongs to uid`, `chown -R root: ${inside}`);
      chownSync(inside, 0, 0);
      chmodSync(inside, 0o777);
      await expectRefused(place, `others than its owner can write to ${inside}`, `chmod go-w ${inside}`);
    },
    60_000,
  );

  test.each(['blobs', 'layers', 'locks', 'overrides', 'tmp'])(
    'one whose images/%s is a link',
    async (folder) => {
      const root = join(scratch(), 'place');
      mkdirSync(join(root, 'images'), { recursive: true });
      symlinkSync('/etc', join(root, 'images', folder));
      for (const args of [['images'], ['run', '--rm', 'test', 'true'], ['rmi', 'x']]) {
        const { exitCode, stderr } = await withPlaces({ MINIDOCK_ROOT: root }, ...args);
        expect({ args, exitCode, stderr }).toEqual({
          args,
          exitCode: 125,
          stderr: expect.stringContaining(`${root}/images/${folder} is a symbolic link`),
        });
      }
    },
  );
});

describe('a place that is taken', () => {
  test('one of root’s in a sticky directory, where a missing one is made at once and for root alone', async () => {
    const tmp = join(scratch(), 'tmp');
    mkdirSync(tmp);
    chmodSync(tmp, 0o1777);
    const places = { MINIDOCK_ROOT: join(tmp, 'a/root'), MINIDOCK_RUN: join(tmp, 'b/run') };
    expect(await withPlaces(places, 'ps', '-q')).toMatchObject({ exitCode: 0, stderr: '' });
    for (const name of ['a', 'b']) expect(statSync(join(tmp, name)).mode & 0o7777).toBe(0o700);
  });

  test('one that is reached through root’s links: a container runs, is entered and goes', async () => {
    const dir = scratch();
    mkdirSync(join(dir, 'run'));
    mkdirSync(join(dir, 'var'));
    symlinkSync('../run', join(dir, 'var/run'));
    symlinkSync(engine.host.root, join(dir, 'root'));
    const places = { MINIDOCK_ROOT: join(dir, 'root'), MINIDOCK_RUN: join(dir, 'var/run/minidock') };
    const succeeds = async (...args: readonly string[]): Promise<string> => {
      const { exitCode, stdout, stderr } = await withPlaces(places, ...args);
      expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: '' });
      return stdout.trim();
    };
    expect(await succeeds('run', '--rm', '-v', 'v:/v', 'test', 'echo', 'hello')).toBe('hello');
    await succeeds('run', '-d', '--name', 'linked', 'test', 'sleep', '100');
    expect(readdirSync(join(dir, 'run/minidock/containers'))).toHaveLength(1);
    expect(await succeeds('exec', 'linked', 'echo', 'inside')).toBe('inside');
    await succeeds('rm', '-f', 'linked');
    await succeeds('volume', 'rm', 'v');
  });
});

describe('a link in the place of what minidock keeps', () => {
  test('of a container’s directory or one of its files, a name, a volume: refused, not followed', async () => {
    const { root } = engine.host;
    const aside = scratch();
    await ok('create', '--name', 'kept', '-v', 'kept:/v', 'test', 'true');
    const id = await ok('inspect', '-f', '{{.Id}}', 'kept');
    for (const [path, args, words] of [
      [`containers/${id}`, ['inspect', id], 'is a symbolic link'],
      [`containers/${id}`, ['start', 'kept'], 'is a symbolic link'],
      [`containers/${id}/config.json`, ['inspect', id], 'is a symbolic link'],
      [`containers/${id}/lock`, ['start', 'kept'], 'ELOOP'],
      ['names/kept', ['inspect', 'kept'], 'ELOOP'],
      ['volumes/kept', ['run', '--rm', '-v', 'kept:/v', 'test', 'true'], 'is a symbolic link'],
      ['volumes/kept/_data', ['run', '--rm', '-v', 'kept:/v', 'test', 'true'], 'is a symbolic link'],
      ['volumes/kept/volume.json', ['run', '--rm', '-v', 'kept:/v', 'test', 'true'], 'is a symbolic link'],
    ] as const) {
      renameSync(join(root, path), join(aside, 'real'));
      symlinkSync(join(aside, 'real'), join(root, path));
      const { exitCode, stderr } = await engine.minidock(...args);
      // A record is kept twice: the other copy serves, and a warning names the link.
      const failed = !/(config|volume)\.json$/.test(path);
      expect({ path, args, failed: exitCode !== 0, stderr }).toEqual({
        path,
        args,
        failed,
        stderr: expect.stringContaining(words),
      });
      rmSync(join(root, path));
      renameSync(join(aside, 'real'), join(root, path));
    }
    await ok('rm', 'kept');
    await ok('volume', 'rm', 'kept');
  });

  test('of one container’s directory: the others are listed all the same', async () => {
    await ok('create', '--name', 'well', 'test', 'true');
    const link = join(engine.host.root, 'containers', 'f'.repeat(64));
    mkdirSync(join(engine.host.dir, 'evil'));
    writeFileSync(join(engine.host.dir, 'evil/config.json'), '{}');
    symlinkSync(join(engine.host.dir, 'evil'), link);
    const { stdout, stderr } = await engine.minidock('ps', '-a', '--format', '{{.Names}}');
    rmSync(link);
    expect({ stdout, stderr }).toEqual({
      stdout: 'well\n',
      stderr: expect.stringContaining(`${link} is a symbolic link`),
    });
  });
});

describe('an archive that is saved', () => {
  const save = (path: string): Promise<RunResult> => engine.minidock('save', '-o', path, 'test');

  test('replaces no device, pipe, socket or link, and leaves nothing beside it', async () => {
    const dir = scratch();
    const at = (name: string): string => join(dir, name);
    await engine.host.run(['mknod', at('device'), 'c', '1', '3']);
    await engine.host.run(['mkfifo', at('pipe')]);
    writeFileSync(at('victim'), 'as it was');
    symlinkSync(at('victim'), at('link'));
    symlinkSync(at('none'), at('dangling'));
    const before = readdirSync(dir).sort();
    for (const [name, kind] of [
      ['device', 'a device'],
      ['pipe', 'an irregular file'],
      ['link', 'a symbolic link'],
      ['dangling', 'a symbolic link'],
    ] as const) {
      expect(await save(at(name))).toMatchObject({
        exitCode: 1,
        stderr: `minidock: failed to save image: invalid output path: "${at(name)}" must be a regular file: got ${kind}\n`,
      });
    }
    expect(readdirSync(dir).sort()).toEqual(before);
    expect(readFileSync(at('victim'), 'utf8')).toBe('as it was');
    expect(await save(at('victim'))).toMatchObject({ exitCode: 0 });
    expect(statSync(at('victim')).mode & 0o777).toBe(0o600);
  });
});
