/** When a volume that is there already is filled from the image: whenever it is empty as a container is made. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { ok } = engine;

const data = (name: string): string => join(engine.host.root, 'volumes', name, '_data');
const made = (...mount: string[]): Promise<string> =>
  ok('create', '--name', 'taker', ...mount, 'test', 'true');

describe('filling a volume', () => {
  test('an empty one is filled for each container that is made, not for each start', async () => {
    await ok('volume', 'create', 'empty');
    await made('-v', 'empty:/etc');
    expect(readdirSync(data('empty'))).toContain('passwd');
    for (const name of readdirSync(data('empty'))) rmSync(join(data('empty'), name), { recursive: true });
    await ok('start', '-a', 'taker');
    expect(readdirSync(data('empty'))).not.toContain('passwd');
    await ok('rm', 'taker');
    for (const name of readdirSync(data('empty'))) rmSync(join(data('empty'), name), { recursive: true });
    await made('-v', 'empty:/etc:ro');
    expect(readdirSync(data('empty'))).toContain('passwd');
    await ok('rm', 'taker');
    await ok('volume', 'rm', 'empty');
    await engine.expectClean();
  });

  test('one with files, with nocopy, or by --volumes-from is left as it is', async () => {
    await ok('volume', 'create', 'files');
    writeFileSync(join(data('files'), 'mine'), '');
    await made('-v', 'files:/etc');
    expect(readdirSync(data('files'))).toEqual(['mine']);
    rmSync(join(data('files'), 'mine'));
    await ok('create', '--name', 'second', '-v', 'files:/etc:nocopy', 'test', 'true');
    await ok('create', '--name', 'third', '--volumes-from', 'second', 'test', 'true');
    expect(readdirSync(data('files'))).toEqual([]);
    await ok('rm', 'taker', 'second', 'third');
    mkdirSync(join(data('files'), 'sub'));
    writeFileSync(join(data('files'), 'sub', 'mine'), '');
    await made('--mount', 'type=volume,src=files,dst=/etc,volume-subpath=sub');
    expect(readdirSync(join(data('files'), 'sub'))).toEqual(['mine']);
    await ok('rm', 'taker');
    await ok('volume', 'rm', 'files');
  });

  test('a directory of the host (o=bind) and an empty subpath are filled, and only the first of two targets', async () => {
    const dir = join(engine.host.dir, 'bound');
    mkdirSync(dir);
    await ok('volume', 'create', '-o', 'type=none', '-o', 'o=bind', '-o', `device=${dir}`, 'bound');
    await made('-v', 'bound:/etc', '-v', 'bound:/bin');
    expect(readdirSync(dir)).toContain('passwd');
    expect(readdirSync(dir)).not.toContain('sh');
    await ok('rm', 'taker');
    await ok('volume', 'create', 'parts');
    mkdirSync(join(data('parts'), 'sub'));
    await made('--mount', 'type=volume,src=parts,dst=/etc,volume-subpath=sub');
    expect(readdirSync(data('parts'))).toEqual(['sub']);
    expect(readdirSync(join(data('parts'), 'sub'))).toContain('passwd');
    await ok('rm', 'taker');
    await ok('volume', 'rm', 'bound', 'parts');
    rmSync(dir, { recursive: true });
    await engine.expectClean();
  });

  test('what was broken off is done anew, over what a container put in its way: a link, a pipe', async () => {
    await ok('volume', 'create', 'half');
    const target = join(engine.host.dir, 'of-the-host');
    writeFileSync(target, 'untouched');
    const marker = join(engine.host.root, 'volumes', 'half', 'filling');
    writeFileSync(marker, '');
    const trap = `ln -s ${target} /v/passwd; mkfifo /v/group; ln -s ${engine.host.dir} /v/sub`;
    await ok('run', '--rm', '-v', 'half:/v', 'test', 'sh', '-c', trap);
    writeFileSync(marker, '');
    await made('-v', 'half:/etc');
    expect(readFileSync(target, 'utf8')).toBe('untouched');
    expect(readFileSync(join(data('half'), 'passwd'), 'utf8')).toContain('root');
    expect(readFileSync(join(data('half'), 'group'), 'utf8')).toContain('root');
    expect(existsSync(marker)).toBe(false);
    await ok('rm', 'taker');
    await ok('volume', 'rm', 'half');
  });

  test('a file system that cannot be mounted is reported when the container is made, in Docker’s words', async () => {
    await ok('volume', 'create', '-o', 'type=ext4', '-o', 'device=/dev/nonexistent', 'bad');
    const { exitCode, stderr } = await engine.minidock('create', '-v', 'bad:/etc', 'test', 'true');
    expect([exitCode, stderr]).toEqual([
      125,
      expect.stringMatching(
        /^minidock: failed to populate volume: mount -t ext4 .*: no such file or directory\n/,
      ),
    ]);
    expect(stderr).not.toContain('    at ');
    await made('-v', 'bad:/not-in-the-image');
    await ok('rm', 'taker');
    await ok('volume', 'rm', 'bad');
  });
});
