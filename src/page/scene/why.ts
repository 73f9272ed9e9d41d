/** A packet sent by `minidock why --json`: what it met, for the page to animate. */
import { execFile } from 'node:child_process';

const TIMEOUT_MS = 30_000;
const MOST_OUTPUT = 4 * 2 ** 20;

/** The JSON of `why`. @throws Error with its words. */
export function askWhy(words: readonly string[]): Promise<unknown> {
  if (words.some((word) => word.startsWith('-') && word !== '->')) {
    throw new Error('a question to why consists of places: SENDER -> TARGET:PORT');
  }
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['why', '--json', ...words],
      { timeout: TIMEOUT_MS, maxBuffer: MOST_OUTPUT, encoding: 'utf8' },
      (_error, stdout, stderr) => {
        try {
          resolve(JSON.parse(stdout));
        } catch {
          reject(new Error(stderr.trim().replace(/^minidock: /, '') || 'why gave no answer'));
        }
      },
    ).stdin?.end();
  });
}
