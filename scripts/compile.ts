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
  // node:events costs a third of a millisecond, and commander uses three of its methods.
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

const top = join(import.meta.dirname, '..');

/**
 * Each is loaded by src/cli.ts into a process of its own and shares nothing with the others, so it is one part: Bun
 * makes a part of all modules that the same imports reach, which would be sixty of a shim's, 40 µs each.
 */
const ALONE = [
  'runtime/process/init.ts',
  'runtime/process/enter/enter.ts',
  'src/engine/shim/entry.ts',
  'src/engine/unpack-child.ts',
  'src/engine/state/volume-copy-child.ts',
];

const [executablePath = '', outfile = '', ...words] = process.argv.slice(2);
const define = Object.fromEntries(
  words.map((word): [string, string] => {
    const equals = word.indexOf('=');
    return [word.slice(0, equals), JSON.stringify(word.slice(equals + 1))];
  }),
);
const common = { target: 'bun', format: 'esm', minify: { syntax: true }, define } as const;

async function bundleAlone(path: string): Promise<string> {
  const { outputs } = await Bun.build({ ...common, entrypoints: [path], plugins: [lightCommander] });
  if (outputs.length !== 1) throw new Error(`${path} does not fit in one part`);
  return (await outputs[0]?.text()) ?? '';
}

const bundles = new Map<string, string>();
for (const path of ALONE) bundles.set(join(top, path), await bundleAlone(join(top, path)));
const alone: BunPlugin = {
  name: 'alone',
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const contents = bundles.get(path);
      return contents === undefined ? undefined : { contents, loader: 'js' };
    });
  },
};

await Bun.build({
  ...common,
  entrypoints: [join(top, 'src/cli.ts')],
  compile: { executablePath, outfile, autoloadDotenv: false, autoloadBunfig: false },
  bytecode: true,
  splitting: true,
  plugins: [lightCommander, alone],
});
