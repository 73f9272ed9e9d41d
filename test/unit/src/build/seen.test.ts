/** Files that change between the two walks of a COPY. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readWhole, Seen } from '../../../../src/build/execute/copy-files.ts';

test('other contents are found also where no time says so', () => {
  const dir = mkdtempSync(join(tmpdir(), 'minidock-seen-'));
  const path = join(dir, 'file');
  writeFileSync(path, 'one');
  const fd = openSync(path, 'r+');
  const seen = new Seen();
  const read = (): string => readWhole(fd, 3, 'file', () => undefined);
  try {
    seen.content('file', read());
    seen.content('file', read());
    writeFileSync(path, 'two');
    expect(() => seen.content('file', read())).toThrow('was changed while it was copied');
    writeFileSync(path, '');
    expect(read).toThrow('was changed while it was copied');
  } finally {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  }
});
