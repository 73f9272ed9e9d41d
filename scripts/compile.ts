/**
 * The compiling half of scripts/build: OUTFILE out of src/cli.ts, on top of the Bun executable EXECUTABLE; NAME=VALUE
 * are the words the program knows of its build. Split into parts, so that a process reads the modules of what it does
 * and not all of them: 2.6 ms less for each. Without the white space each process starts up 0.2 ms sooner: Bun looks at
 * all the text of a part before it runs the bytecode.
 *
 *   bun scripts/compile.ts EXECUTABLE OUTFILE NAME=VALUE…
 */
import { basename, join } from 'node:path';
import type { BunPlugin } from 'bun';
import { bundleLayers, COMMANDS, SHIM } from './layers.ts';
import { bundlePage } from './page.ts';

const top = join(import.meta.dirname, '..');

/**
 * Each is loaded by src/cli.ts into a process of its own and shares nothing with the others, so it is one part: Bun
 * makes a part of all modules that the same imports reach, which would be twenty, 13 µs each.
 */
const ALONE = [
  'runtime/process/init.ts',
  'runtime/process/enter/enter.ts',
  'src/engine/unpack-child.ts',
  'src/engine/state/volume-copy-child.ts',
].map((path) => join(top, path));

/**
 * The shim shares nothing either, but half of its code is for what most containers never need. One part is what each
 * start loads; the others come later. In one part with them it would start up 2 ms later.
 */
const SHIM_ENTRY = join(top, 'src/engine/shim/entry.ts');

const [executablePath = '', outfile = '', ...words] = process.argv.slice(2);
const define = Object.fromEntries(
  words.map((word): [string, string] => {
    const equals = word.indexOf('=');
    return [word.slice(0, equals), JSON.stringify(word.slice(equals + 1))];
  }),
);
const common = { target: 'bun', format: 'esm', minify: { syntax: true, whitespace: true }, define } as const;

async function bundle(path: string, plugins: BunPlugin[] = []): Promise<string> {
  const { outputs } = await Bun.build({ ...common, entrypoints: [path], plugins });
  if (outputs.length !== 1) throw new Error(`${path} does not fit in one part`);
  return (await outputs[0]?.text()) ?? '';
}

/** Answers each module of `bundles` with its bundle. */
const alone = (bundles: ReadonlyMap<string, string>): BunPlugin => ({
  name: 'alone',
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const contents = bundles.get(path);
      return contents === undefined ? undefined : { contents, loader: 'js' };
    });
  },
});

/** The parts that a build of the shim by itself has made, by their names; the one of its entry imports the others. */
const shim = (parts: ReadonlyMap<string, string>): BunPlugin => ({
  name: 'shim',
  setup: (build) => {
    build.onResolve({ filter: /^\.\/[^/]+\.js$/ }, ({ path, importer }) =>
      importer === SHIM_ENTRY || parts.has(basename(importer))
        ? { path: basename(path), namespace: 'shim' }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: 'shim' }, ({ path }) => {
      const contents = parts.get(path);
      if (contents === undefined) throw new Error(`the shim has no part ${path}`);
      return { contents, loader: 'js' };
    });
  },
});

const bundles = new Map<string, string>();
for (const path of ALONE) bundles.set(path, await bundle(path));

const shimBuild = await Bun.build({
  ...common,
  entrypoints: [SHIM_ENTRY],
  splitting: true,
  plugins: [await bundleLayers(top, SHIM, bundle)],
});
const shimParts = new Map<string, string>();
for (const output of shimBuild.outputs) shimParts.set(basename(output.path), await output.text());
bundles.set(SHIM_ENTRY, shimParts.get('entry.js') ?? '');

await Bun.build({
  ...common,
  entrypoints: [join(top, 'src/cli.ts')],
  compile: { executablePath, outfile, autoloadDotenv: false, autoloadBunfig: false },
  bytecode: true,
  splitting: true,
  plugins: [
    await bundlePage(top),
    shim(shimParts),
    alone(bundles),
    await bundleLayers(top, COMMANDS, bundle),
  ],
});
