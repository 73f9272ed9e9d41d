/**
 * A build in which a step fails, or that is killed before it, for each step; and a full disk. The cache is right
 * afterwards: the next build has the files of one without a cache, and nothing is left of the one before.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { BUILD_STEPS } from '../../../src/build/build-steps.ts';
import { useEngine } from '../../support/engine.ts';
import type { RunResult } from '../../support/host/processes.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
const engine = useEngine({ keep: true });

const DOCKERFILE = `FROM test AS made
WORKDIR /made
RUN echo run >run
FROM test
COPY text /c/
COPY --from=made /made/run /m/
RUN --mount=type=cache,target=/k cat /c/text /m/run >/all
`;
const FILES = 'cat /c/text /m/run /all';
const expected = (text: string): string => `${text}\nrun\n${text}\nrun`;

let round = 0;

function context(): { readonly dir: string; readonly text: string } {
  const dir = mkdtempSync(join(engine.host.dir, 'context-'));
  const text = `text ${String(round++)}`;
  writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE);
  writeFileSync(join(dir, 'text'), `${text}\n`);
  return { dir, text };
}

const build = (env: Readonly<Record<string, string>>, dir: string): Promise<RunResult> =>
  engine.host.run([MINIDOCK, 'build', '-q', '-t', 'app', dir], { env: { ...engine.host.env, ...env } });

const left = (): readonly string[] =>
  ['root/containers', 'root/images/tmp', 'root/images/blobs/partial', 'run/build'].flatMap((path) => {
    const [place = '', ...rest] = path.split('/');
    const dir = join(place === 'root' ? engine.host.root : engine.host.runDir, ...rest);
    return existsSync(dir) ? readdirSync(dir).map((name) => `${path}/${name}`) : [];
  });

async function isRight(dir: string, text: string): Promise<void> {
  expect(await build({}, dir)).toMatchObject({ exitCode: 0 });
  expect(await engine.ok('run', '--rm', 'app', 'sh', '-c', FILES)).toBe(expected(text));
  await engine.host.waitFor(async () => {
    await build({}, dir);
    return left().length === 0;
  }, 'nothing to be left');
}

test.each(Object.keys(BUILD_STEPS))('%s', async (step) => {
  await engine.ok('builder', 'prune', '-af');
  const { dir, text } = context();
  const failed = await build({ MINIDOCK_FAIL_AT: `build.${step}` }, dir);
  expect(failed.exitCode).toBeGreaterThan(0);
  expect(failed.stderr).toContain(`step build.${step} (`);
  expect(left()).toEqual([]);
  await isRight(dir, text);
  const other = context();
  await build({ MINIDOCK_FAIL_AT: `kill:build.${step}` }, other.dir);
  await isRight(other.dir, other.text);
});

test('a step of the container of a RUN', async () => {
  const { dir, text } = context();
  const failed = await build({ MINIDOCK_FAIL_AT: 'rootfs.pivot' }, dir);
  expect(failed.stderr).toContain('failure injected by MINIDOCK_FAIL_AT');
  expect(failed.exitCode).toBe(1);
  await isRight(dir, text);
});

test('a full disk is said so, and the cache is right when there is room again', async () => {
  const { dir } = context();
  const disk = join(engine.host.dir, 'small');
  mkdirSync(disk);
  // The mount is the throw-away host's: this process does not see it.
  const inHost = async (script: string, ...words: readonly string[]): Promise<string> => {
    const result = await engine.host.run(['bash', '-euc', script, 'bash', disk, ...words]);
    expect(result).toMatchObject({ exitCode: 0 });
    return result.stdout;
  };
  await inHost(
    'mount -t tmpfs -o mode=0700,size=64m small "$1" && cp -a "$2/images" "$1/"',
    engine.host.root,
  );
  const env = { ...engine.host.env, MINIDOCK_ROOT: disk, MINIDOCK_RUN: join(engine.host.dir, 'small-run') };
  const run = (...args: readonly string[]): Promise<RunResult> =>
    engine.host.run([MINIDOCK, ...args], { env });
  const leftovers =
    'for dir in images/tmp images/blobs/partial containers; do test ! -e "$1/$dir" || ls -A "$1/$dir"; done';
  try {
    writeFileSync(join(dir, 'large'), Buffer.alloc(10 << 20, 'x'));
    // The files of the layer do not fit; then they do, but not their blob.
    for (const room of [5 << 20, 13 << 20]) {
      await inHost(
        'rm -f "$1/filler"; set -- "$1" "$2" $(stat -f -c "%a %S" "$1"); head -c $(($3 * $4 - $2)) /dev/zero >"$1/filler"',
        String(room),
      );
      for (const line of ['COPY large /large', 'RUN --mount=target=/b cp /b/large /large']) {
        writeFileSync(join(dir, 'Dockerfile'), `FROM test\n${line}\n`);
        const { stderr, exitCode } = await run('build', '-q', '--network', 'none', '-t', 'app', dir);
        expect(exitCode).toBe(1);
        expect(stderr).toMatch(/no space left/i);
        if (line.startsWith('COPY')) expect(stderr).toContain('Free some space');
        expect(await inHost(leftovers)).toBe('');
      }
    }
    await inHost('rm "$1/filler"');
    expect(await run('build', '-q', '--network', 'none', '-t', 'app', dir)).toMatchObject({ exitCode: 0 });
    expect((await run('run', '--rm', '--network', 'none', 'app', 'wc', '-c', '/large')).stdout).toBe(
      `${String(10 << 20)} /large\n`,
    );
  } finally {
    await engine.host.run(['umount', '--lazy', disk]);
  }
}, 60_000);
