/** A script of `run --script` that ends half way, at whatever step and for whatever reason, leaves nothing behind. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import type { RunResult } from '../../support/host/processes.ts';

const engine = useEngine();
const { ok, expectClean } = engine;
const FLAGS = ['-p', '8080:80', '-m', '64m', '-v', 'fresh:/volume', 'test'];

/** The numbered comments of the steps, as they stand in the script. */
const steps = (script: string): readonly string[] => script.match(/^ {2}# \[ *\d+\/\d+\] .*$/gm) ?? [];

const runText = (script: string, ...argv: readonly string[]): Promise<RunResult> => {
  const path = join(engine.host.dir, 'container.sh');
  writeFileSync(path, script);
  return engine.host.run(['bash', path, ...argv]);
};

async function expectNothingLeft(): Promise<void> {
  await expectClean();
  expect(
    readdirSync('/var/tmp').filter((name) => script.includes(name) && name.startsWith('minidock-script')),
  ).toEqual([]);
}

let script = '';

test.each(['false', 'kill -INT $BASHPID; true', 'kill -TERM $BASHPID; true'])(
  '%s before each step',
  async (trouble) => {
    script = await ok('run', '--script', ...FLAGS, 'sleep', '1000');
    const all = steps(script);
    expect(all.length).toBeGreaterThan(60);
    // In process 1 a signal that nobody there waits for does nothing: there only failures count.
    const inside = (title: string): boolean =>
      script.indexOf(title) > script.indexOf('container_1() {') &&
      script.indexOf(title) < script.indexOf('start() {');
    // Each trouble meets other steps, and all three together meet every kind of them.
    const offset = ['false', 'kill -INT $BASHPID; true', 'kill -TERM $BASHPID; true'].indexOf(trouble);
    const chosen = all.filter(
      (title, index) => index % 5 === offset && (trouble === 'false' || !inside(title)),
    );
    for (const title of chosen) {
      const broken = script.replace(title, () => `  ${trouble}\n${title}`);
      const { exitCode, stderr } = await runText(broken);
      expect([title, exitCode]).toEqual([
        title,
        { false: inside(title) ? 125 : 1 }[trouble] ?? (trouble.includes('INT') ? 130 : 143),
      ]);
      expect([title, stderr.replace(/.*: the container could not be built\n/, '')]).toEqual([title, '']);
      await expectNothingLeft();
    }
  },
  120_000,
);

describe('while the program runs', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends it, and all is undone', async (signal, status) => {
    script = await ok('run', '--script', '-d', ...FLAGS, 'sleep', '1000');
    const path = join(engine.host.dir, 'container.sh');
    writeFileSync(path, script);
    const running = engine.host.spawn(['bash', path]);
    await running.waitForOutput(/^[0-9a-f]{64}$/m);
    running.kill(signal);
    expect(await running.exited).toBe(status);
    await expectNothingLeft();
  });

  test('a second run of the same script is refused and does the first no harm', async () => {
    script = await ok('run', '--script', '-d', ...FLAGS, 'sleep', '1000');
    const path = join(engine.host.dir, 'container.sh');
    writeFileSync(path, script);
    const running = engine.host.spawn(['bash', path]);
    const id = (await running.waitForOutput(/^[0-9a-f]{64}$/m)).trim();
    const again = await engine.host.run(['bash', path]);
    expect([again.exitCode, again.stderr]).toEqual([125, expect.stringContaining('runs already')]);
    expect(existsSync(`/var/tmp/minidock-script-${id.slice(0, 12)}`)).toBe(true);
    expect((await engine.host.run(['ip', 'netns'])).stdout).toContain(id.slice(0, 12));
    running.kill('SIGTERM');
    await running.exited;
    await expectNothingLeft();
  });
});

test('a port that a container of minidock publishes is refused, and stays that one’s', async () => {
  script = await ok('run', '--script', ...FLAGS, 'true');
  await ok('run', '-d', '-p', '8080:80', 'test', 'sleep', '1000');
  const { exitCode, stderr } = await runText(script);
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('published already')]);
  expect((await engine.host.run(['nft', 'list', 'map', 'ip', 'minidock', 'published'])).stdout).toMatch(
    /8080/,
  );
});

test('without root it says so and touches nothing', async () => {
  script = await ok('run', '--script', ...FLAGS, 'true');
  const path = join(engine.host.dir, 'container.sh');
  writeFileSync(path, script, { mode: 0o644 });
  const { exitCode, stderr } = await engine.host.run(
    ['setpriv', '--reuid=65534', '--clear-groups', 'bash', '-s'],
    { input: script },
  );
  expect([exitCode, stderr]).toEqual([125, 'bash: must be run as root\n']);
});
