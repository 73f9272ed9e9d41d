/**
 * Which modules short commands load as one part of the executable, for scripts/compile.ts. Bun makes a part of the
 * modules that the same commands import, so each new verb splits them further: `ps` would load fifty parts, which take
 * 13 µs each. A layer is one part. It takes the modules that at least `sharedBy` of its commands load and that no
 * layer before it has; what these import is loaded by the same commands, so a layer imports only earlier layers.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BunPlugin } from 'bun';

export interface Layer {
  readonly name: string;
  /** The modules that each command imports while it runs. */
  readonly commands: readonly (readonly string[])[];
  readonly sharedBy: number;
}

const START = ['src/command.ts', 'src/commands/program/program.ts'];
const VERB = 'src/commands/program/verb-runner.ts';
const IMAGES = 'src/engine/images/image-store.ts';
const ps = [VERB, 'src/commands/container/ps.ts'];
const inspect = [VERB, 'src/commands/system/inspect.ts', 'src/docker/inspect/container.ts'];
const port = [VERB, 'src/commands/container/port.ts'];
const images = [VERB, 'src/commands/image/images.ts', IMAGES];
const logs = [VERB, 'src/commands/container/logs.ts'];
const exec = [VERB, 'src/commands/container/exec.ts'];
const run = [VERB, 'src/commands/container/run.ts', IMAGES];
const create = [VERB, 'src/commands/container/create.ts', IMAGES];

const of = (name: string, ...commands: Layer['commands']): Layer => ({
  name,
  commands,
  sharedBy: commands.length,
});

export const COMMANDS: readonly Layer[] = [
  of('help', START),
  { name: 'verb', commands: [ps, inspect, port, images, logs, exec, run], sharedBy: 4 },
  of('list', ps, images),
  of('store', [IMAGES]),
  { name: 'some', commands: [inspect, images, logs, run], sharedBy: 2 },
  of('follow', logs, exec),
  of('act', exec, run),
  of('ps', ps),
  of('inspect', inspect),
  of('logs', logs),
  of('images', images),
  of('exec', exec),
  of('make', run, create),
];

/** Of a shim: what each start needs; health, restarts, hibernation and the rest come when they are needed. */
export const SHIM: readonly Layer[] = [of('shim', ['src/engine/shim/main.ts'])];

/** The layer of each module that has one, by its path. */
function findLayers(top: string, layers: readonly Layer[]): ReadonlyMap<string, string> {
  const layerOf = new Map<string, string>();
  for (const { name, commands, sharedBy } of layers) {
    const loads = commands.map((entries) => closure(entries.map((entry) => join(top, entry))));
    for (const module of new Set(loads.flatMap((modules) => [...modules]))) {
      const count = loads.filter((modules) => modules.has(module)).length;
      if (count >= sharedBy && !layerOf.has(module)) layerOf.set(module, name);
    }
  }
  return layerOf;
}

function closure(entries: readonly string[]): ReadonlySet<string> {
  const found = new Set(entries);
  for (const module of found) staticImports(module).forEach((imported) => found.add(imported));
  return found;
}

/** A module of this name is the part of the layer. */
const PART = 'layer:';

/**
 * Makes the layers, and answers for each of their modules what the layer's part exports for it. `bundle` makes one
 * file of a module and what it imports.
 */
export async function bundleLayers(
  top: string,
  layers: readonly Layer[],
  bundle: (path: string, plugins: BunPlugin[]) => Promise<string>,
): Promise<BunPlugin> {
  const layerOf = findLayers(top, layers);
  const numbers = new Map([...layerOf.keys()].map((path, number) => [path, number]));
  const exported = (path: string, word: string): string => `m${String(numbers.get(path))}_${word}`;
  const parts = new Map<string, string>();

  /** The modules of a layer, each of which exports under names of its own. */
  const contentsOf = (layer: string): string =>
    [...layerOf]
      .filter(([, name]) => name === layer)
      .map(([path]) => {
        const names = exportsOf(path).map((word) => `${word} as ${exported(path, word)}`);
        return `export { ${names.join(', ')} } from ${JSON.stringify(path)};`;
      })
      .join('\n');

  /** `own`: the layer that is being made; the others, and what is imported later, are left out of it. */
  const plugin = (own?: string): BunPlugin => ({
    name: 'layers',
    setup: (build) => {
      build.onResolve({ filter: /^layer:/ }, ({ path }) =>
        own === undefined || path === PART + own
          ? { path: path.slice(PART.length), namespace: 'layer' }
          : { path, external: true },
      );
      build.onResolve({ filter: /./ }, ({ path, importer, kind }) =>
        own !== undefined && kind === 'dynamic-import' && !isBuiltIn(path)
          ? { path: Bun.resolveSync(path, dirname(importer)), external: true }
          : undefined,
      );
      build.onLoad({ filter: /./, namespace: 'layer' }, ({ path: layer }) => ({
        contents: parts.get(layer) ?? contentsOf(layer),
        loader: 'js',
      }));
      build.onLoad({ filter: /\.(ts|mjs)$/ }, ({ path }) => {
        const layer = layerOf.get(path);
        if (layer === undefined || layer === own) return undefined;
        const names = exportsOf(path).map((word) => `${exported(path, word)} as ${word}`);
        return { contents: `export { ${names.join(', ')} } from '${PART}${layer}';`, loader: 'js' };
      });
    },
  });
  for (const { name } of layers) parts.set(name, await bundle(PART + name, [plugin(name)]));
  return plugin();
}

const isBuiltIn = (specifier: string): boolean => /^(node|bun):/.test(specifier);

const scanner = new Bun.Transpiler({ loader: 'ts' });

const exportsOf = (path: string): readonly string[] => scanner.scan(readFileSync(path, 'utf8')).exports;

/** Of a module of ours; a library's own stay within it. */
function staticImports(path: string): readonly string[] {
  if (!path.endsWith('.ts')) return [];
  const { imports } = scanner.scan(readFileSync(path, 'utf8'));
  return imports
    .filter((found) => found.kind === 'import-statement' && !isBuiltIn(found.path))
    .map((found) => Bun.resolveSync(found.path, dirname(path)));
}
