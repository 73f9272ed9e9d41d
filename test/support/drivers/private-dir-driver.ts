/**
 * private-dir-driver.ts DIRECTORY: makes the directory again and again while another process takes it away as often;
 * run by Bun, whose mkdir(2) it is about. Prints how often it was taken away.
 */
import { rmdirSync } from 'node:fs';
import { ensurePrivateDir } from '../../../src/io/private-dir.ts';

const ROUNDS = 20_000;
const [directory = '', role] = process.argv.slice(2);

if (role === 'sweep') {
  for (;;) {
    try {
      rmdirSync(directory);
    } catch {
      // Not there at the moment.
    }
  }
}
const sweeper = Bun.spawn([process.execPath, import.meta.path, directory, 'sweep'], {
  stdio: ['ignore', 'ignore', 'ignore'],
});
try {
  for (let round = 0; round < ROUNDS; round++) ensurePrivateDir(directory);
} finally {
  sweeper.kill('SIGKILL');
}
