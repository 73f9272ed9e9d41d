/**
 * Unpacking through the built binary, as root: what node:fs cannot make, what only a real overlay shows, and what
 * GNU tar and umoci make of the same bytes. Works on directories of its own; the mounts are in a mount namespace that
 * ends with the command.
 */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { LayerReport } from '../../images/unpack/types.ts';
import { driver } from '../support/bun.ts';
import { writeLayout } from '../support/images/oci-layout.ts';
import { runProgram, startProgram, waitFor, type RunResult } from '../support/host/processes.ts';
import { tarOf, type TestEntry } from '../support/images/tar-bytes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../dist/minidock');
const noName = Buffer.from([0x6e, 0xff, 0xfe]);

let dir: string;
beforeEach(() => {
  // On disk: tmpfs has other ideas of some attributes.
  dir = mkdtempSync('/var/tmp/minidock-unpack-');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const env = () => ({ MINIDOCK_ROOT: join(dir, 'root'), MINIDOCK_RUN: join(dir, 'run') });
const minidock = (args: readonly string[], input?: Uint8Array): Promise<RunResult> =>
  runProgram([MINIDOCK, ...args], { env: env(), timeout: 60_000, ...(input === undefined ? {} : { input }) });
const images = (...path: string[]): string => join(dir, 'root/images', ...path);

async function run(...argv: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runProgram(argv, { cwd: dir, timeout: 60_000 });
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: status ${String(exitCode)}\n${stderr}`);
  return stdout;
}

/** Unpacks as the store does, by a process of its own. */
async function unpack(
  blob: string,
  name: string,
): Promise<{ target: string; answer: Record<string, unknown> }> {
  const target = join(dir, name);
  mkdirSync(target);
  const { stdout } = await runProgram([MINIDOCK, '__unpack'], {
    input: JSON.stringify({ kind: 'layer', blob, target }),
    timeout: 25_000,
  });
  return { target, answer: JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown> };
}

async function tree(path: string): Promise<unknown[]> {
  const lines = (await run(...driver('tree-driver.ts', path))).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** One of each kind, and of each way to be difficult. */
const difficult: readonly TestEntry[] = [
  { name: './', type: '5', mode: 0o755, mtime: 1_111_111_111 },
  { name: 'bin/', type: '5', mode: 0o2775, uid: 7, gid: 8, mtime: 1_000_000_000 },
  { name: 'bin/su', data: 'setuid', mode: 0o4755, uid: 0, gid: 0 },
  { name: 'bin/sg', data: 'setgid', mode: 0o2711, uid: 1000, gid: 50 },
  {
    name: 'bin/ping',
    data: 'caps',
    uid: 12,
    pax: {
      'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'),
      'SCHILY.xattr.user.note': 'two\nlines=yes',
      'SCHILY.xattr.trusted.secret': Buffer.from([0, 1, 0xff]),
      mtime: '1700000000.123456789',
    },
  },
  { name: 'bin/su2', type: '1', link: 'bin/su', mode: 0o4755, uid: 0, gid: 0 },
  {
    name: 'tmp/',
    type: '5',
    mode: 0o1777,
    pax: { mtime: '1234567890.987654321', 'SCHILY.xattr.user.dir': 'x' },
  },
  { name: 'l', type: '2', link: '/nowhere/at all', uid: 5, gid: 6, pax: { mtime: '1200000000.5' } },
  { name: 'l2', type: '1', link: 'l', uid: 5, gid: 6, pax: { mtime: '1200000000.5' } },
  { name: 'null', type: '3', major: 1, minor: 3, mode: 0o666, mtime: 1_000_000_001 },
  { name: 'big', type: '3', gnu: true, major: 300, minor: 70000, mode: 0o600 },
  { name: 'sda', type: '4', major: 8, minor: 1, mode: 0o660, gid: 6 },
  { name: 'pipe', type: '6', mode: 0o640, uid: 3 },
  { name: 'far', pax: { uid: '4000000000', gid: '4000000001', mtime: '100.25' }, data: 'x' },
  { name: 'line\nbreak', data: 'n' },
  {
    name: Buffer.concat([noName, Buffer.from('/')]),
    type: '5',
    mode: 0o700,
    pax: { mtime: '1300000000.25' },
  },
  { name: Buffer.concat([noName, Buffer.from('/'), noName]), data: 'b', pax: { mtime: '1300000001.25' } },
  { name: 'x', pax: { path: `deep/${'d'.repeat(200)}/${'f'.repeat(255)}` }, data: 'long' },
  {
    name: 's',
    pax: { 'GNU.sparse.size': '100000', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '4096,512,99840,160' },
    data: 'h'.repeat(512) + 't'.repeat(160),
  },
  { name: 'empty/', type: '5', mode: 0o500, uid: 99, gid: 99 },
];

describe('faithful', () => {
  test('every kind of entry, as GNU tar unpacks it', async () => {
    writeFileSync(join(dir, 'a.tar'), tarOf(...difficult));
    const { target, answer } = await unpack(join(dir, 'a.tar'), 'ours');
    expect(answer).toMatchObject({ kind: 'report' });
    mkdirSync(join(dir, 'theirs'));
    // GNU tar leaves sparse PAX 0.1 and directories nobody listed to the umask and the clock; so do we, alike.
    await run('tar', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', 'a.tar', '-C', 'theirs');
    const unlisted = `deep/${'d'.repeat(200)}`;
    for (const side of ['ours', 'theirs'])
      await run('touch', '-d@1', join(dir, side, unlisted), join(dir, side, 'deep'));
    await run('touch', '-d@2', target, join(dir, 'theirs'));
    expect(await tree(target)).toEqual(await tree(join(dir, 'theirs')));
    expect(statSync(join(target, 's')).blocks).toBeLessThan(100);
  });

  test.each([
    ['posix', ['--format=posix', '--xattrs', '--xattrs-include=*']],
    ['gnu', ['--format=gnu', '--sparse']],
    ['sparse 0.0', ['--format=posix', '--sparse', '--sparse-version=0.0', '--xattrs', '--xattrs-include=*']],
    ['sparse 0.1', ['--format=posix', '--sparse', '--sparse-version=0.1', '--xattrs', '--xattrs-include=*']],
    ['sparse 1.0', ['--format=posix', '--sparse', '--sparse-version=1.0', '--xattrs', '--xattrs-include=*']],
  ])('a tree that GNU tar packs as %s comes back the same', async (_, options) => {
    writeFileSync(join(dir, 'a.tar'), tarOf(...difficult));
    const { target } = await unpack(join(dir, 'a.tar'), 'first');
    // Many holes make a map longer than one block.
    await run(
      'bash',
      '-c',
      `for i in $(seq 60); do printf x | dd of=first/s bs=1 seek=$((i * 65536)) conv=notrunc status=none; done`,
    );
    await run('tar', ...options, '--numeric-owner', '-cf', 'b.tar', '-C', 'first', '.');
    const { target: second, answer } = await unpack(join(dir, 'b.tar'), 'second');
    expect(answer).toMatchObject({ kind: 'report' });
    const withoutXattrs = (entries: unknown[]) =>
      entries.map((entry) => ({ ...(entry as object), xattrs: {} }));
    const whole = (entries: unknown[]) => (options.includes('--xattrs') ? entries : withoutXattrs(entries));
    // GNU's own format keeps whole seconds only.
    const seconds = (entries: unknown[]) =>
      options[0] === '--format=gnu'
        ? entries.map((entry) => ({
            ...(entry as object),
            mtime: String((entry as { mtime: string }).mtime).slice(0, -9),
          }))
        : entries;
    const [ours, original] = [await tree(second), await tree(target)].map((entries) =>
      seconds(whole(entries)),
    );
    // The archive lists the directory that was packed, './', which is not the root of an image.
    const compared = (entries: unknown[] | undefined) =>
      entries?.filter((entry) => !['/', '/far'].includes((entry as { name: string }).name));
    expect(compared(ours)).toEqual(compared(original));
    if (options.includes('--sparse')) expect(statSync(join(second, 's')).blocks).toBeLessThan(1000);
  });

  test('plain, gzip and zstd blobs are the same layer', async () => {
    writeFileSync(join(dir, 'a.tar'), tarOf(...difficult, { name: 'filler', data: 'x'.repeat(5_000_000) }));
    await run('gzip', '-k', 'a.tar');
    await run('zstd', '-q', 'a.tar');
    const reports: unknown[] = [];
    for (const name of ['a.tar', 'a.tar.gz', 'a.tar.zst']) {
      reports.push((await unpack(join(dir, name), `of-${name}`)).answer['report']);
    }
    const diffId = `sha256:${createHash('sha256')
      .update(readFileSync(join(dir, 'a.tar')))
      .digest('hex')}`;
    expect(reports[0]).toMatchObject({ diffId } satisfies Partial<LayerReport>);
    expect(reports).toEqual([reports[0], reports[0], reports[0]]);
  });

  test('a damaged or truncated zstd blob', async () => {
    writeFileSync(join(dir, 'a.tar'), tarOf(...difficult, { name: 'filler', data: 'y'.repeat(500_000) }));
    await run('zstd', '-q', 'a.tar');
    const whole = readFileSync(join(dir, 'a.tar.zst'));
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 100, 200);
    for (const [name, blob] of [
      ['cut', whole.subarray(0, whole.length - 100)],
      ['damaged', damaged],
    ] as const) {
      writeFileSync(join(dir, name), blob);
      expect((await unpack(join(dir, name), `of-${name}`)).answer).toMatchObject({
        kind: 'error',
        code: 'LAYER_CORRUPT',
      });
    }
  });

  test('a directory of 100,000 files', async () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ name: `many/${String(i)}` }));
    writeFileSync(join(dir, 'a.tar.gz'), gzipSync(tarOf(...many), { level: 1 }));
    mkdirSync(join(dir, 'ours'));
    // In memory, because a busy disk may take a minute over that many files.
    const script = `mount -t tmpfs none ours; echo "$1" | "$0" __unpack; ls -U ours/many | wc -l`;
    const request = JSON.stringify({ kind: 'layer', blob: join(dir, 'a.tar.gz'), target: join(dir, 'ours') });
    const lines = (await run('unshare', '--mount', 'sh', '-ec', script, MINIDOCK, request))
      .trim()
      .split('\n');
    expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({ report: { impliedDirs: ['', 'many'] } });
    expect(lines.at(-1)).toBe('100000');
  }, 60_000);
});

describe('confined', () => {
  test.each([
    ['a name that climbs', [{ name: '../../../../../../../../..OUT/evil', data: 'x' }]],
    [
      'a link out, and a file through it',
      [
        { name: 'l', type: '2', link: 'OUT' },
        { name: 'l/evil', data: 'x' },
      ],
    ],
    [
      'a hard link out',
      [
        { name: 'l', type: '1', link: '../../../../../../../..OUT/secret' },
        { name: 'l', data: 'evil' },
      ],
    ],
    [
      'a hard link through a link',
      [
        { name: 'l', type: '2', link: 'OUT' },
        { name: 'h', type: '1', link: 'l/secret' },
      ],
    ],
    [
      'a link at the file’s own place',
      [
        { name: 'f', type: '2', link: 'OUT/evil' },
        { name: 'f', data: 'x' },
      ],
    ],
    ['a whiteout that climbs', [{ name: 'a/.wh...' }]],
    [
      'a directory that becomes a link',
      [
        { name: 'd/', type: '5' },
        { name: 'd', type: '2', link: 'OUT' },
        { name: 'd/evil', data: 'x' },
      ],
    ],
    [
      'a device, then a file over it',
      [
        { name: 'd', type: '4', major: 7, minor: 0 },
        { name: 'd', data: 'x' },
      ],
    ],
  ])('%s changes nothing outside', async (_, entries) => {
    const outside = join(dir, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'secret'), 'untouched');
    const put = (text: string): string => text.replaceAll('OUT', outside);
    writeFileSync(
      join(dir, 'a.tar'),
      tarOf(
        ...(entries as TestEntry[]).map((e) => ({
          ...e,
          name: put(String(e.name)),
          link: put(String(e.link ?? '')),
        })),
      ),
    );
    const before = await tree(outside);
    await unpack(join(dir, 'a.tar'), 'ours');
    expect(await tree(outside)).toEqual(before);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched');
  });
});

/**
 * The JavaScript engine opens files by name while a layer comes in: /proc/self/statm at each garbage collection. A FIFO
 * of the layer's in that place would be waited for without end, and a device would be opened outside of any container.
 */
test('what the engine looks at by name is not the layer’s', async () => {
  const asked = ['proc/self/statm', 'proc/self/maps', 'sys/devices/system/cpu/online', 'etc/localtime'];
  const fifos = asked.map((name): TestEntry => ({ name, type: '6' }));
  const garbage = Array.from({ length: 40_000 }, (_, i) => ({
    name: `f${String(i)}`,
    data: 'x'.repeat(999),
  }));
  writeFileSync(join(dir, 'fifos.tar'), tarOf(...fifos, ...garbage));
  const { target, answer } = await unpack(join(dir, 'fifos.tar'), 'fifos');
  expect(answer).toMatchObject({ kind: 'report' });
  expect(asked.map((name) => statSync(join(target, name)).isFIFO())).toEqual(asked.map(() => true));
});

describe('layers on each other', () => {
  const layers: readonly (readonly TestEntry[])[] = [
    [
      { name: 'srv/', type: '5', mode: 0o750, uid: 3, mtime: 1_500_000_000 },
      { name: 'srv/old', data: 'old' },
      { name: 'srv/sub/', type: '5', mode: 0o701, mtime: 1_400_000_000 },
      { name: 'srv/sub/kept', data: 'kept', pax: { 'SCHILY.xattr.user.k': 'v' } },
      { name: 'gone/', type: '5' },
      { name: 'gone/file', data: 'x' },
      { name: 'fresh/', type: '5' },
      { name: 'fresh/below', data: 'x' },
      { name: 'again/', type: '5' },
      { name: 'again/below', data: 'x' },
      { name: 'todir', data: 'file' },
      { name: 'tofile/', type: '5' },
      { name: 'tofile/x', data: 'x' },
    ],
    [
      { name: 'srv/', type: '5', mode: 0o750, uid: 3, mtime: 1_500_000_000 },
      { name: 'srv/.wh.old' },
      { name: '.wh.gone' },
      { name: 'fresh/', type: '5' },
      { name: 'fresh/above', data: 'y' },
      { name: 'fresh/.wh..wh..opq' },
      { name: '.wh.again' },
      { name: 'again/', type: '5' },
      { name: 'again/above', data: 'y' },
      { name: 'todir/', type: '5' },
      { name: 'todir/x', data: 'x' },
      { name: 'tofile', data: 'file' },
    ],
    [{ name: 'srv/sub/new', data: 'new', mtime: 1_450_000_000 }],
  ];

  /** Loads the image and mounts its layers, as a container would see them. */
  async function mounted(archive: string, name: string, command: string): Promise<string> {
    const loaded = await minidock(['load', '-q', '-i', archive]);
    expect(loaded.stderr).toBe('');
    const index = JSON.parse(readFileSync(images('images.json'), 'utf8')) as {
      images: { tags: string[]; layerDirs: string[] }[];
    };
    const image = index.images.find(({ tags }) => tags.includes(`docker.io/${name}`));
    const lower = [...(image?.layerDirs ?? [])].reverse().join(':');
    for (const part of ['upper', 'work', 'merged']) mkdirSync(join(dir, part), { recursive: true });
    // Relative paths: mount(8) hands each option to fsconfig(2), which takes 255 bytes.
    const options = `lowerdir=${lower},upperdir=../../upper,workdir=../../work`;
    const mount = 'cd root/images && mount -t overlay -o "$0" overlay ../../merged && cd ../..';
    return await run('unshare', '--mount', 'sh', '-ec', `${mount}; ${command}`, options);
  }

  async function archive(): Promise<string> {
    const layout = writeLayout(join(dir, 'layout'), [{ layers: layers.map((entries) => tarOf(...entries)) }]);
    await run('skopeo', 'copy', '-q', layout, `docker-archive:${join(dir, 'image.tar')}:test/layers:1`);
    return join(dir, 'image.tar');
  }

  test('whiteouts, opaque directories, and directories that a layer does not list', async () => {
    const listing = await mounted(
      await archive(),
      'test/layers:1',
      `cd merged; find . -mindepth 1 -printf '%P %y %m %U %T@\\n' | sort`,
    );
    const names = listing
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    expect(names.map(([path, kind]) => `${path ?? ''} ${kind ?? ''}`)).toEqual([
      'again d',
      'again/above f',
      'fresh d',
      'fresh/above f',
      'srv d',
      'srv/sub d',
      'srv/sub/kept f',
      'srv/sub/new f',
      'todir d',
      'todir/x f',
      'tofile f',
    ]);
    // The top layer lists neither: what they are comes from below.
    expect(names.find(([path]) => path === 'srv')?.slice(2)).toEqual(['750', '3', '1500000000.0000000000']);
    expect(names.find(([path]) => path === 'srv/sub')?.slice(2)).toEqual([
      '701',
      '0',
      '1400000000.0000000000',
    ]);
  });

  test('a file that a layer above links to keeps its holes', async () => {
    const size = String(1 << 30);
    const map = {
      'GNU.sparse.size': size,
      'GNU.sparse.numblocks': '2',
      'GNU.sparse.map': '8192,6,1000000000,4',
    };
    const layers = [
      tarOf({ name: 'vast', data: 'beforeend.', pax: map }),
      tarOf({ name: 'link', type: '1', link: 'vast' }),
    ];
    writeLayout(join(dir, 'vast'), [{ layers, config: {} }]);
    await run('tar', '-C', join(dir, 'vast'), '-cf', join(dir, 'vast.tar'), '.');
    const loaded = await minidock(['load', '-q', '-i', join(dir, 'vast.tar')]);
    expect(loaded.stderr).toBe('');
    const [overrides = ''] = readdirSync(images('overrides'));
    const copy = images('overrides', overrides, 'fs/link');
    const { size: length, blocks } = statSync(copy);
    expect([length, blocks < 100]).toEqual([1 << 30, true]);
    const layer = readdirSync(images('layers')).find((name) => existsSync(images('layers', name, 'fs/vast')));
    await run('cmp', copy, images('layers', layer ?? '', 'fs/vast'));
  });

  test('the image is what umoci makes of it', async () => {
    const path = await archive();
    await run('umoci', 'raw', 'unpack', '--image', 'layout:latest', 'theirs');
    const ours = await mounted(path, 'test/layers:1', `cp -a merged copy`);
    expect(ours).toBe('');
    const compare = (entries: unknown[]) =>
      (entries as { name: string; mtime: string }[])
        .filter(({ name }) => !name.startsWith('/umoci') && name !== '/')
        // umoci gives directories that a layer adds something to the time it did so; of the others, all.
        .map((entry) =>
          ['/srv', '/srv/sub', '/tofile'].includes(entry.name) ? { ...entry, mtime: '' } : entry,
        );
    const [copy, theirs] = [await tree(join(dir, 'copy')), await tree(join(dir, 'theirs'))].map(compare);
    expect(copy).toEqual(theirs);
  });
});

test('ext4 gets the flag that keeps layers apart', async () => {
  expect((await minidock(['import', '-', 'some'], tarOf({ name: 'a', data: 'x' }))).exitCode).toBe(0);
  const fileSystem = (await run('stat', '--file-system', '--format', '%T', dir)).trim();
  const flags = fileSystem === 'ext2/ext3' ? await run('lsattr', '-d', images('tmp')) : 'T ';
  expect(flags).toMatch(/^\S*T\S* /);
});

describe('what goes wrong leaves nothing', () => {
  const left = (): string[] =>
    ['layers', 'tmp', 'blobs/sha256'].flatMap((name) =>
      existsSync(images(name)) ? readdirSync(images(name)) : [],
    );

  test('a full disk', async () => {
    mkdirSync(join(dir, 'root'), { recursive: true });
    writeFileSync(join(dir, 'a.tar.gz'), gzipSync(tarOf({ name: 'zeros', data: Buffer.alloc(30_000_000) })));
    const script = `mount -t tmpfs -o size=8m,mode=0700 none root; "$0" import a.tar.gz full; echo "status $?"; cd root/images; find layers tmp images.json 2>/dev/null || true`;
    const { stdout, stderr } = await runProgram(['unshare', '--mount', 'sh', '-c', script, MINIDOCK], {
      cwd: dir,
      env: env(),
    });
    expect(stderr).toMatch(/writing "zeros": no space left on the disk that holds the images/);
    expect(stdout).toBe('status 1\ntmp\n');
  });

  test('a corrupt layer', async () => {
    const archive = tarOf({ name: 'a', data: 'x'.repeat(5000) }, { name: 'b', badChecksum: true });
    const { stderr, exitCode } = await minidock(['import', '-', 'bad'], archive);
    expect([exitCode, /corrupt layer: a header has a wrong checksum/.test(stderr)]).toEqual([1, true]);
    expect(left().filter((name) => !/^[0-9a-f]{64}$/.test(name))).toEqual([]);
  });

  test('a process killed while it unpacks: the next one clears up', async () => {
    const pipe = join(dir, 'slow');
    await run('mkfifo', pipe);
    writeFileSync(
      join(dir, 'big.tar.gz'),
      gzipSync(tarOf(...Array.from({ length: 30_000 }, (_, i) => ({ name: `d/${String(i)}`, data: 'x' })))),
    );
    const killed = startProgram([MINIDOCK, 'import', join(dir, 'big.tar.gz'), 'killed'], env());
    await waitFor(
      () => existsSync(images('tmp')) && readdirSync(images('tmp')).length > 0,
      'a layer being unpacked',
    );
    killed.kill('SIGKILL');
    await killed.exited;
    await waitFor(async () => {
      expect((await minidock(['import', '-', 'next'], tarOf({ name: String(Math.random()) }))).exitCode).toBe(
        0,
      );
      return readdirSync(images('tmp')).length === 0;
    }, 'the half-unpacked layer to be gone');
    expect((await minidock(['images', '-q', 'killed'])).stdout).toBe('');
  });
});

test('many processes at once lose nothing', async () => {
  const names = Array.from({ length: 8 }, (_, i) => `many:${String(i)}`);
  const shared = tarOf({ name: 'shared', data: 'the same layer for all' });
  const results = await Promise.all(
    names.map((name) => minidock(['import', '--change', `ENV N=${name}`, '-', name], shared)),
  );
  expect(results.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(names.map(() => [0, '']));
  const { stdout } = await minidock(['images', '--format', '{{.Repository}}:{{.Tag}}']);
  expect(stdout.trim().split('\n').sort()).toEqual(names);
  expect([readdirSync(images('layers')).length, readdirSync(images('tmp'))]).toEqual([1, []]);
});
