/**
 * What a module of the program brings with it when it is loaded: all that is reached by static imports. What is
 * imported within a function comes later or never, which is why short commands are short.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const top = join(import.meta.dirname, '../..');

export interface Loaded {
  readonly files: readonly string[];
  /** Names of packages, without those that are built in. */
  readonly libraries: readonly string[];
  /** 'node:fs'. */
  readonly builtIn: readonly string[];
}

/** Of entries such as 'src/cli.ts', relative to the top of the repository. */
export function staticModules(...entries: readonly string[]): Loaded {
  const files = new Set<string>();
  const libraries = new Set<string>();
  const builtIn = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const specifier of staticImports(readFileSync(join(top, file), 'utf8'))) {
      if (specifier.startsWith('.')) visit(relative(top, join(top, dirname(file), specifier)));
      else if (/^(node|bun):/.test(specifier)) builtIn.add(specifier);
      else libraries.add(specifier.split('/')[0] ?? '');
    }
  };
  entries.forEach(visit);
  return { files: [...files].sort(), libraries: [...libraries].sort(), builtIn: [...builtIn].sort() };
}

/** Imports and re-exports that are left once the types are erased. */
function staticImports(text: string): readonly string[] {
  return [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;'"]*?\sfrom\s+)?['"]([^'"]+)['"]/gm)].map(
    ([, specifier]) => specifier ?? '',
  );
}
