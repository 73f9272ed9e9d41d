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

/** The commander of the executable: without what it loads and has no use for here, each a part of every command's time. */
const lightCommander: BunPlugin = {
  name: 'commander, light',
  setup: (build) => {
    build.onLoad({ filter: /\/commander\/lib\/command\.js$/ }, ({ path }) => {
      let text = readFileSync(path, 'utf8');
      for (const [module, [heavy, light]] of Object.entries(REPLACED)) {
        if (!text.includes(heavy)) throw new Error(`${path} no longer loads ${module} with: ${heavy}`);
        text = text.replace(heavy, light);
      }
      return { contents: text, loader: 'js' };
    });
  },
};

const REPLACED = {
  // With it come sockets and streams, 2 ms, for subcommands that are programs of their own. There are none: it is never loaded.
  'node:child_process': [
    "const childProcess = require('node:child_process');",
    "const childProcess = { spawn: (...args) => require('node:child_process').spawn(...args) };",
  ],
  // A third of a millisecond, for three methods: an option that is met is told to its one listener.
  'node:events': [
    "const EventEmitter = require('node:events').EventEmitter;",
    `class EventEmitter {
      _listeners = new Map();
      on(event, listener) {
        this._listeners.set(event, [...(this._listeners.get(event) ?? []), listener]);
        return this;
      }
      emit(event, ...args) {
        const listeners = this._listeners.get(event) ?? [];
        for (const listener of listeners) listener.apply(this, args);
        return listeners.length > 0;
      }
      listenerCount(event) {
        return this._listeners.get(event)?.length ?? 0;
      }
    }`,
  ],
} as const;

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
  plugins: [lightCommander],
});
