/**
 * The compiling half of scripts/build: OUTFILE out of src/cli.ts, on top of the Bun executable EXECUTABLE; NAME=VALUE
 * are the words the program knows of its build. Split into parts, so that a process reads the modules of what it does
 * and not all of them: 2.6 ms less for each.
 *
 *   bun scripts/compile.ts EXECUTABLE OUTFILE NAME=VALUE…
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BunPlugin } from 'bun';

/**
 * commander loads node:child_process, and with it sockets and streams, for subcommands that are programs of their own.
 * There are none here, and 2 ms of each command were spent on it: it is loaded when it is first used, that is never.
 */
const lazyChildProcess: BunPlugin = {
  name: 'commander without node:child_process',
  setup: (build) => {
    build.onLoad({ filter: /\/commander\/lib\/command\.js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      const eager = "const childProcess = require('node:child_process');";
      if (!text.includes(eager)) throw new Error(`${path} no longer says: ${eager}`);
      const lazy =
        "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };";
      return { contents: text.replace(eager, lazy), loader: 'js' };
    });
  },
};

const [executablePath = '', outfile = '', ...words] = process.argv.slice(2);
const define = words.map((word): [string, string] => {
  const equals = word.indexOf('=');
  return [word.slice(0, equals), JSON.stringify(word.slice(equals + 1))];
});
await Bun.build({
  entrypoints: [join(import.meta.dirname, '../src/cli.ts')],
  compile: { executablePath, outfile, autoloadDotenv: false, autoloadBunfig: false },
  bytecode: true,
  format: 'esm',
  splitting: true,
  minify: { syntax: true },
  define: Object.fromEntries(define),
  plugins: [lazyChildProcess],
});
