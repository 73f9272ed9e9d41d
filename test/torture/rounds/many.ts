/** Containers by the thousand, and by the hundred at once. */
import { BINARY, type Round } from '../torture.ts';

const SIDE_BY_SIDE = 4;
const SWEEP_EVERY = 250;

export const runs: Round = {
  name: 'runs',
  story: 'run --rm, again and again',
  size: 2_000,
  shortSize: 20,
  async run(torture, size) {
    let done = 0;
    const lane = async (at: number, until: number): Promise<void> => {
      while (done < until) {
        const turn = String((done += 1));
        const words = ['run', '--rm', '-p', `${String(8000 + at)}:80`, 'test', 'echo', turn];
        const { exitCode, stdout, stderr } = await torture.host.minidock(...words);
        if (exitCode !== 0 || stdout !== `${turn}\n`)
          torture.lies.push(`run ${turn} ended with ${String(exitCode)}: ${stderr}`);
      }
    };
    while (done < size) {
      const until = Math.min(size, done + SWEEP_EVERY);
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, (_, at) => lane(at, until)));
      await torture.sweep(`after run ${String(done)}`);
    }
    return { counts: { runs: done } };
  },
};

export const atOnce: Round = {
  name: 'at-once',
  story: 'containers started at once, running at once, removed at once',
  size: 200,
  shortSize: 10,
  async run(torture, size) {
    const started = await Promise.all(
      Array.from({ length: size }, (_, at) =>
        torture.host.run([BINARY, 'run', '-d', '-p', `${String(10_000 + at)}:80`, 'test', 'sleep', '1000'], {
          timeout: 120_000,
        }),
      ),
    );
    for (const { exitCode, stderr } of started)
      if (exitCode !== 0)
        torture.lies.push(`one of ${String(size)} starts ended with ${String(exitCode)}: ${stderr}`);
    const { stdout } = await torture.host.minidock('ps', '-q');
    const running = stdout.split('\n').filter(Boolean).length;
    if (running !== size) torture.lies.push(`${String(size)} were started, ps lists ${String(running)}`);
    await torture.crossExamine('at once');
    const ids = stdout.split('\n').filter(Boolean);
    await torture.host.run([BINARY, 'rm', '-f', ...ids], { timeout: 120_000 });
    await torture.sweep('at once');
    return { counts: { 'containers at once': running } };
  },
};
