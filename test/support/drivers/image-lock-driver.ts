/**
 * image-lock-driver.ts count|hold|hold-briefly|give-up DIRECTORY: takes the image store's lock there, run by Bun, which has
 * flock(2). `count` adds 1 to DIRECTORY/counter eight times at once, in two steps that others must not come between.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from '../../../images/store/lock.ts';
import { acquireLock } from '../../../src/engine/images/image-lock.ts';

const [role, dir = ''] = process.argv.slice(2);
const path = join(dir, 'locks/one.lock');
const counter = join(dir, 'counter');

async function count(): Promise<void> {
  const before = Number(await readFile(counter, 'utf8'));
  await writeFile(counter, String(before + 1));
}

switch (role) {
  case 'count':
    await Promise.all(Array.from({ length: 8 }, () => withLock(acquireLock, path, count)));
    break;
  case 'hold':
    await acquireLock(path);
    console.log('held');
    setInterval(() => undefined, 60_000);
    break;
  case 'hold-briefly':
    (await acquireLock(path))();
    console.log('held');
    break;
  case 'give-up':
    await acquireLock(path, AbortSignal.abort()).catch((error: unknown) => {
      console.log((error as Error).name);
    });
    break;
  default:
    throw new Error(`${String(role)}: no such role`);
}
