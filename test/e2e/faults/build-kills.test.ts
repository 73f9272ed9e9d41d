/** A build that is killed at any moment leaves a cache that is right: the next build has the files of one without it. */
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const MINIDOCK = resolve(import.meta.dirname, '../../../dist/minidock');
/** More by KILLS=100. */
const KILLS = Number(process.env['KILLS'] ?? '5');
const engine = useEngine({ keep: true });

const DOCKERFILE = `FROM test AS made
ARG ROUND
RUN i=0; while [ $i -lt 300 ]; do echo "$ROUND $i" >>/many; echo $i >/f$i; i=$((i+1)); done
FROM test
ARG ROUND
COPY context /c/
RUN --mount=type=cache,target=/k echo "$ROUND" >>/k/log; cat /c/text >/seen; echo "$ROUND" >>/seen
COPY --from=made /many /f299 /m/
`;
const SUM = 'cat /m/many /m/f299 /c/text /seen | md5sum';

test(
  `after ${String(KILLS)} kills the cache is right, and nothing is left`,
  async () => {
    const dir = mkdtempSync(join(engine.host.dir, 'context-'));
    writeFileSync(join(dir, 'Dockerfile'), DOCKERFILE.replace('COPY context /c/', 'COPY text /c/'));
    const build = (round: number, ...flags: readonly string[]): Promise<string> =>
      engine.ok('build', '-q', '-t', 'app', '--build-arg', `ROUND=${String(round)}`, ...flags, dir);
    const sum = (): Promise<string> => engine.ok('run', '--rm', 'app', 'sh', '-c', SUM);
    const begin = performance.now();
    writeFileSync(join(dir, 'text'), 'first');
    await build(-1);
    const whole = performance.now() - begin;
    for (let round = 0; round < KILLS; round++) {
      writeFileSync(join(dir, 'text'), `text ${String(round)}`);
      const argv = [MINIDOCK, 'build', '-q', '--build-arg', `ROUND=${String(round)}`, dir];
      const running = engine.host.spawn(argv);
      // The moments are spread over the time that a whole build takes.
      const moment = (whole * (round + Math.random())) / KILLS;
      await Promise.race([running.exited, new Promise((done) => setTimeout(done, moment))]);
      running.kill('SIGKILL');
      await running.exited;
      await build(round);
      const cached = await sum();
      if (round % 5 !== 0) {
        expect(cached).toBe(await expectedSum(round));
        continue;
      }
      await build(round, '--no-cache');
      expect(cached).toBe(await sum());
    }
    await engine.host.waitFor(async () => {
      await build(-1);
      const left = ['containers', 'images/tmp'].flatMap((name) => readdirSync(join(engine.host.root, name)));
      return left.length === 0;
    }, 'nothing to be left');
  },
  60_000 + KILLS * 10_000,
);

/** By the program alone, without a build. */
async function expectedSum(round: number): Promise<string> {
  const lines = Array.from({ length: 300 }, (_, at) => `${String(round)} ${String(at)}\n`).join('');
  const text = `text ${String(round)}`;
  const all = `${lines}299\n${text}${text}${String(round)}\n`;
  const { stdout } = await engine.host.run(['md5sum'], { input: all });
  return stdout.trimEnd();
}
