/** Every step of a start fails once. */
import { BINARY, type Round } from '../torture.ts';

const FLAGS = ['-p', '8080:80', '-v', '/data', '-m', '64m', '--cpus', '0.5', '--read-only'];

export const steps: Round = {
  name: 'steps',
  story: 'each step of a start fails (MINIDOCK_FAIL_AT)',
  size: Infinity,
  shortSize: 4,
  async run(torture, size) {
    const { stdout } = await torture.host.minidock(
      'run',
      '--dry-run',
      '--explain=json',
      ...FLAGS,
      'test',
      'true',
    );
    const all = [...new Set([...stdout.matchAll(/"id": ?"([a-z-]+\.[^"]+)"/g)].map(([, id = '']) => id))];
    const chosen = all.filter((_, at) => size >= all.length || at % Math.ceil(all.length / size) === 0);
    for (const id of chosen) {
      const env = { MINIDOCK_FAIL_AT: id };
      const { exitCode, stderr } = await torture.host.run([BINARY, 'run', '--rm', ...FLAGS, 'test', 'true'], {
        env,
      });
      if (exitCode !== 125 || !stderr.includes(id))
        torture.lies.push(`step ${id} failed, and run ended with ${String(exitCode)}: ${stderr}`);
      await torture.sweep(`step ${id}`);
    }
    return { counts: { 'steps failed': chosen.length } };
  },
};
