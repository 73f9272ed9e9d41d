/**
 * A copy of the checkout as it is, changes that are not committed included, in which mutants are made: the checkout
 * itself is never changed. Its libraries are lent.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execaSync } from 'execa';

export interface Copy {
  readonly dir: string;
  /** Puts another text in place of a file's one, until what it returns is called. */
  change(file: string, from: string, to: string): () => void;
  remove(): void;
}

export function copyCheckout(root: string): Copy {
  // Not below /tmp, which may be of a kind that overlayfs takes for no upper layer.
  const dir = mkdtempSync('/var/tmp/minidock-mutation-');
  const all = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = execaSync('git', all, { cwd: root });
  for (const file of new Set(listed.stdout.split('\0').filter(Boolean))) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    cpSync(join(root, file), join(dir, file), { dereference: false });
  }
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
  return {
    dir,
    change: (file, from, to) => {
      const path = join(dir, file);
      const before = readFileSync(path, 'utf8');
      const parts = before.split(from);
      if (parts.length !== 2)
        throw new Error(`the text is ${String(parts.length - 1)} times in ${file}: ${from}`);
      writeFileSync(path, parts.join(to));
      return () => writeFileSync(path, before);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
